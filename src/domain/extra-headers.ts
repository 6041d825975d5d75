/** Of one connection, or told by the browser itself: Chromium refuses to send one that was given. */
const NOT_FOR_REQUESTS = new Set([
  'content-length',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What is wrong with the name of a header that is to be sent along, if anything is. */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~\w-]{1,200}$/.test(name)) return 'allowed: an HTTP header name';
  return NOT_FOR_REQUESTS.has(name.toLowerCase())
    ? 'allowed: headers of the request, not of its connection'
    : undefined;
}

/** What is wrong with an origin, if anything is. */
export function originProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return isOrigin ? undefined : 'allowed: http or https, host and port, such as https://cdn.example.com';
}

interface Asked {
  url?: string | undefined;
  extraHTTPHeadersTo?: 'origin' | 'all' | readonly string[] | undefined;
}

/**
 * The origins that `setExtraHTTPHeaders` go to. By default the one that was asked for: where it redirects to is
 * another, and so is the same host by another scheme or port. A document of `html` has none.
 */
export function headerOrigins({ url, extraHTTPHeadersTo: to = 'origin' }: Asked): 'all' | ReadonlySet<string> {
  if (to === 'all') return to;
  if (to === 'origin') return new Set(url === undefined ? [] : [new URL(url).origin]);
  return new Set(to.map((origin) => new URL(origin).origin));
}
