/** Headers that apply to one connection and not to the message (RFC 9110, section 7.6.1), and headers for proxies. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Removes hop-by-hop headers and those in `without`. Headers are Node's flat lists of names and values. */
export function endToEnd(rawHeaders: string[], without: string[]): string[] {
  const dropped = new Set([...HOP_BY_HOP, ...without]);
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
  for (const [name, value] of pairs)
    if (name.toLowerCase() === 'connection')
      for (const named of value.toLowerCase().split(',')) dropped.add(named.trim());
  return pairs.flatMap(([name, value]) => (dropped.has(name.toLowerCase()) ? [] : [name, value]));
}
