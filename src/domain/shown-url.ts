/**
 * A URL for logs and messages: without user name, password, query and fragment, which may be credentials. Of other
 * than http and ws only the scheme is shown, because a `data:` URL is a whole document. A relative URL is shown up to
 * its query.
 */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.includes('@') ? 'an invalid address' : (/^[^?#]*/.exec(url)?.[0] ?? '');
  const { protocol, host, pathname } = new URL(url);
  return /^(https?|wss?):$/.test(protocol) ? `${protocol}//${host}${pathname}` : protocol;
}
