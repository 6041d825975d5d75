/** Headers of the connection, or that the browser sets itself: Chromium refuses to send given ones. */
const CONNECTION_HEADERS = new Set([
  'content-length',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @returns undefined if a document's requests may have a header of this name */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~\w-]{1,200}$/.test(name)) return 'allowed: an HTTP header name';
  return CONNECTION_HEADERS.has(name.toLowerCase())
    ? 'allowed: headers of the request, not of its connection'
    : undefined;
}

/** @returns undefined if it can be sent to any server: other characters are read in different ways, or not at all */
export function headerValueProblem(value: string): string | undefined {
  return /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'allowed: printable ASCII characters';
}

/** @returns undefined if the text is an origin */
export function originProblem(text: string): string | undefined {
  const url = URL.parse(text);
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return isOrigin ? undefined : 'allowed: http or https, host and port, such as https://cdn.example.com';
}

interface HeaderScope {
  /** of the document, if it has one */
  url?: string | undefined;
  extraHTTPHeadersTo?: 'origin' | 'all' | readonly string[] | undefined;
}

/**
 * The origins that `setExtraHTTPHeaders` are sent to. The default is the origin of `url`, without the targets of its
 * redirects and without other schemes and ports of the same host; none for `html`.
 */
export function headerOrigins({ url, extraHTTPHeadersTo: to = 'origin' }: HeaderScope): 'all' | ReadonlySet<string> {
  if (to === 'all') return to;
  if (to === 'origin') return new Set(url === undefined ? [] : [new URL(url).origin]);
  return new Set(to.map((origin) => new URL(origin).origin));
}
