import type { MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { findSession, SESSION_SECONDS } from '../../accounts/console-sessions.ts';
import type { Database } from '../../db/pools.ts';
import type { AppContext, AppEnv } from '../route.ts';

const COOKIE = 'pdfprompt_console';
const PATH = '/console';

export const sessionToken = (c: AppContext) => getCookie(c, COOKIE) ?? '';

export function keepSession(c: AppContext, token: string): void {
  setCookie(c, COOKIE, token, {
    path: PATH,
    httpOnly: true,
    sameSite: 'Strict',
    secure: isHttps(c),
    maxAge: SESSION_SECONDS,
  });
}

export function forgetSession(c: AppContext): void {
  deleteCookie(c, COOKIE, { path: PATH, secure: isHttps(c) });
}

/** Whether the browser uses HTTPS, which may end at a proxy of the operator. */
function isHttps(c: AppContext): boolean {
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return forwarded === 'https' || new URL(c.req.url).protocol === 'https:';
}

/** Redirects to the sign-in page without a valid session; the script's requests get a 401. */
export function signedIn(db: Database): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const session = await findSession(db, sessionToken(c));
    c.set('session', session);
    if (session) return next();
    if (c.req.path.startsWith(`${PATH}/fragments/`)) return c.text('sign in again', 401);
    const { pathname, search } = new URL(c.req.url);
    const from = c.req.method === 'GET' ? `${pathname}${search}` : PATH;
    return c.redirect(`${PATH}/sign-in${from === PATH ? '' : `?${new URLSearchParams({ from }).toString()}`}`, 303);
  };
}

/** The page to open after signing in: a page of the console, otherwise the overview. */
export function safeFrom(from: string | null | undefined): string {
  return /^\/console(\/[\w/-]*)?(\?[\w=&%@.+-]*)?$/.test(from ?? '') ? (from ?? PATH) : PATH;
}

/**
 * Whether a page of this origin sent the form (CSRF). Browsers send `Sec-Fetch-Site` or `Origin`; a request with
 * neither is refused. A proxy may change `Host`, so `Origin` is compared only as a fallback.
 */
export function isSameOrigin(c: AppContext): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = c.req.header('origin') ?? '';
  return URL.canParse(origin) && new URL(origin).host === c.req.header('host');
}
