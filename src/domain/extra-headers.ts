import { hostMatcher } from './host-rule.ts';
import { urlMatcher } from './url-pattern.ts';

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

type Headers = Record<string, string>;
/** A value for some URLs: those that fit one of the patterns, and are at one of the hosts. */
interface BoundHeader {
  value: string;
  urls?: string | string[] | undefined;
  hosts?: string[] | undefined;
}

/** By name: a value, or one for some URLs. */
export type ExtraHeaders = Record<string, string | BoundHeader>;

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

function matcherOf({ urls, hosts }: BoundHeader): (url: string) => boolean {
  const fits = urls === undefined ? () => true : urlMatcher([urls].flat());
  const isAt = hosts === undefined ? () => true : hostMatcher(hosts);
  return (url) => fits(url) && isAt(url);
}

/** What `setExtraHTTPHeaders` adds to requests. */
interface AddedHeaders {
  /** the headers for a URL */
  to: (url: string) => Headers;
  /** every name */
  names: readonly string[];
  /** whether `extraHTTPHeadersTo` counts for one of them */
  areForOrigins: boolean;
}

/** @returns undefined if no URL gets a header */
export function addedHeaders(
  scope: HeaderScope & { setExtraHTTPHeaders?: ExtraHeaders | undefined },
): AddedHeaders | undefined {
  const given = Object.entries(scope.setExtraHTTPHeaders ?? {});
  const plain = given.filter((header): header is [string, string] => typeof header[1] === 'string');
  const bound = given.flatMap(([name, header]) =>
    typeof header === 'string' ? [] : [{ name, value: header.value, matches: matcherOf(header) }],
  );
  const origins = headerOrigins(scope);
  const areForOrigins = plain.length > 0;
  if (bound.length === 0 && (!areForOrigins || (origins !== 'all' && origins.size === 0))) return undefined;
  const goTo = (url: string) => origins === 'all' || (URL.canParse(url) && origins.has(new URL(url).origin));
  const to = (url: string): Headers => {
    const matching = bound.filter(({ matches }) => matches(url)).map(({ name, value }) => [name, value] as const);
    const all = [...(goTo(url) ? plain : []), ...matching];
    // A name that differs in case only is the same header; the one for a pattern wins.
    return Object.fromEntries(new Map(all.map((header) => [header[0].toLowerCase(), header])).values());
  };
  return { to, names: given.map(([name]) => name), areForOrigins };
}
