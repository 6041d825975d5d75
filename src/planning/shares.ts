/** A name and its part of the whole, in any unit: `70`, `25` and `5`, or `7`, `2.5` and `0.5`. */
export interface Share {
  name: string;
  share: number;
}

/** Parses `starter:70,professional:25`; a name alone has the share 1. @returns undefined for anything else */
export function parseShares(text: string): Share[] | undefined {
  const shares = text.split(',').map((part) => {
    const [, name, share = '1'] = /^\s*([^\s:]+)\s*(?::\s*(\d+(?:\.\d+)?)\s*)?$/.exec(part) ?? [];
    return name === undefined ? undefined : { name, share: Number(share) };
  });
  const known = shares.filter((share) => share !== undefined);
  const isList = known.length === shares.length && new Set(known.map(({ name }) => name)).size === known.length;
  const used = known.filter(({ share }) => share > 0);
  return isList && used.length > 0 ? used : undefined;
}

/** The same shares with the sum 1. */
export function fractionsOf(shares: readonly Share[]): Share[] {
  const sum = shares.reduce((total, { share }) => total + share, 0);
  return shares.map(({ name, share }) => ({ name, share: share / sum }));
}

/** Divides `total` by shares, in whole numbers; what is left goes to the largest remainders. */
export function apportion(total: number, shares: readonly Share[]): { name: string; count: number }[] {
  const parts = fractionsOf(shares).map(({ name, share }) => {
    const exact = total * share;
    return { name, exact, count: Math.floor(exact) };
  });
  const left = total - parts.reduce((sum, { count }) => sum + count, 0);
  for (const part of parts.toSorted((a, b) => (b.exact % 1) - (a.exact % 1)).slice(0, left)) part.count++;
  return parts;
}
