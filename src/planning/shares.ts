/** A name and its part of the whole, in whatever unit: `70` and `25` and `5`, or `7` and `2.5` and `0.5`. */
export interface Share {
  name: string;
  share: number;
}

/** Reads `starter:70,professional:25`; a name alone has the share 1. @returns undefined for what is no such list */
export function parseShares(text: string): Share[] | undefined {
  const shares = text.split(',').map((part) => {
    const [, name, share = '1'] = /^\s*([\w-]+)\s*(?::\s*(\d+(?:\.\d+)?)\s*)?$/.exec(part) ?? [];
    return name === undefined ? undefined : { name, share: Number(share) };
  });
  const known = shares.filter((share) => share !== undefined);
  const isList = known.length === shares.length && new Set(known.map(({ name }) => name)).size === known.length;
  const used = known.filter(({ share }) => share > 0);
  return isList && used.length > 0 ? used : undefined;
}

/** So many in all, each name as near to its share as whole numbers allow (the largest remainders get what is left). */
export function apportion(total: number, shares: readonly Share[]): { name: string; count: number }[] {
  const sum = shares.reduce((so, { share }) => so + share, 0);
  const parts = shares.map(({ name, share }) => {
    const exact = (total * share) / sum;
    return { name, count: Math.floor(exact), remainder: exact % 1 };
  });
  const left = total - parts.reduce((so, { count }) => so + count, 0);
  for (const part of [...parts].sort((a, b) => b.remainder - a.remainder).slice(0, left)) part.count++;
  return parts.map(({ name, count }) => ({ name, count }));
}
