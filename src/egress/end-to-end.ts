/** Headers of one connection, not of the message (RFC 9110, section 7.6.1), and of proxies. */
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

/** Without what is of one connection. Flat lists of names and values, as Node has them. */
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
