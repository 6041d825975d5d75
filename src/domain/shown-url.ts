/**
 * An address as it may be written down and told: without user name, password, query and fragment, any of which may be
 * what lets somebody in. The path is told, for without it nobody knows which of many it was. Of what is no web address
 * only the scheme is told: `data:` is a document itself. One that needs a base is told as far as its query.
 */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.includes('@') ? 'an address that is none' : (/^[^?#]*/.exec(url)?.[0] ?? '');
  const { protocol, host, pathname } = new URL(url);
  return /^(https?|wss?):$/.test(protocol) ? `${protocol}//${host}${pathname}` : protocol;
}
