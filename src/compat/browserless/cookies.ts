import { isJsonObject, setMembers } from './json-object.ts';

/** What browsers say of a cookie that changes nothing when it is sent once. */
const WITHOUT_EFFECT = ['priority', 'sameParty', 'session', 'size', 'sourcePort', 'sourceScheme'];

/** Cookies of Puppeteer, as they are given to it or come from it. Session cookies come with `expires: -1`. */
export function translateCookies(cookies: unknown): unknown {
  if (!Array.isArray(cookies)) return cookies;
  return cookies.map((cookie: unknown) => {
    if (!isJsonObject(cookie)) return cookie;
    const kept = setMembers(cookie);
    for (const name of WITHOUT_EFFECT) delete kept[name];
    if (kept.expires === -1) delete kept.expires;
    return kept;
  });
}
