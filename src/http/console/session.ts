import type { MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type ConsoleSession, findSession, SESSION_SECONDS } from '../../accounts/console-sessions.ts';
import type { Database } from '../../db/pools.ts';
import { allows, type Permissions, SCOPE_OF, type Scope } from '../../domain/scope.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { AppContext, AppEnv } from '../route.ts';

/** Pages that one signs in to. */
export interface Place {
  /** where they begin; the sign-in page is `{path}/sign-in` */
  path: '/console' | '/studio';
  name: string;
  /** whether a key with these scopes opens it */
  isOpenFor: (scopes: readonly Scope[]) => boolean;
  /** of the field for the key */
  label: string;
  /** why a valid key was refused */
  refusal: string;
  /** which key it is, before the command that creates one */
  hint: string;
  command: string;
  /** whether one signs in with a link of `pdfprompt console`, too */
  takesLinks: boolean;
}

export const CONSOLE: Place = {
  path: '/console',
  name: 'console',
  isOpenFor: (scopes) => allows(scopes, 'console:read'),
  label: 'API key with the scope console:read, operator or admin',
  refusal:
    'This key lacks the scopes console:read, operator and admin. It opens the API and the studio of its user, but not the console.',
  hint: 'It is a key of an operator. To create one, type on the server:',
  command: 'npx pdfprompt keys create --user you@example.com --scopes admin',
  takesLinks: true,
};

/** An operator could make a key of any user, with any scope: the scope `admin` is enough for their own studio. */
export const STUDIO: Place = {
  path: '/studio',
  name: 'studio',
  isOpenFor: (scopes) => scopes.includes('admin') || (scopes.includes('jobs:read') && scopes.includes('jobs:write')),
  label: 'API key',
  refusal: 'This key lacks the scope jobs:read or jobs:write. The studio needs both.',
  hint: 'It is the key that pdfprompt up printed, or any other of yours. To create one, type on the server:',
  command: 'npx pdfprompt keys create --user you@example.com',
  takesLinks: false,
};

const PLACES = [CONSOLE, STUDIO];
const COOKIE = 'pdfprompt_console';

export const sessionToken = (c: AppContext) => getCookie(c, COOKIE) ?? '';

/** One cookie for each place, so that no other path gets the token. */
export function keepSession(c: AppContext, token: string): void {
  for (const { path } of PLACES)
    setCookie(c, COOKIE, token, {
      path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: isHttps(c),
      maxAge: SESSION_SECONDS,
    });
}

export function forgetSession(c: AppContext): void {
  for (const { path } of PLACES) deleteCookie(c, COOKIE, { path, secure: isHttps(c) });
}

/** Whether the browser uses HTTPS, which may end at a proxy of the operator. */
export function isHttps(c: AppContext): boolean {
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return forwarded === 'https' || new URL(c.req.url).protocol === 'https:';
}

/** The session of the request, if it opens the place. */
export async function sessionFor(c: AppContext, db: Database, place: Place): Promise<ConsoleSession | undefined> {
  const session = await findSession(db, sessionToken(c));
  return session && place.isOpenFor(session.scopes) ? session : undefined;
}

/** Redirects to the sign-in page without a valid session; the requests of scripts below `scripts` get a 401. */
export function signedIn(db: Database, place: Place, { scripts }: { scripts: string }): MiddlewareHandler<AppEnv> {
  const { path } = place;
  return async (c, next) => {
    const session = await sessionFor(c, db, place);
    c.set('session', session);
    if (session) return next();
    if (c.req.path.startsWith(`${path}${scripts}`)) return c.text('sign in again', 401);
    const { pathname, search } = new URL(c.req.url);
    const from = c.req.method === 'GET' ? `${pathname}${search}` : path;
    return c.redirect(`${path}/sign-in${from === path ? '' : `?${new URLSearchParams({ from }).toString()}`}`, 303);
  };
}

/** The session, after {@link signedIn}. */
export function sessionOf(c: AppContext): ConsoleSession {
  const { session } = c.var;
  if (!session) throw new Error('a page without a session');
  return session;
}

/** Who did it, as the log names them: the id of the key, or of the user who signed in with a link. */
export function signerOf(c: AppContext): string {
  const { userId, keyId } = sessionOf(c);
  return keyId === '' ? userId : keyId;
}

/** Refuses those who may not do it. After {@link signedIn}. */
export function requires(permission: keyof Permissions): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (sessionOf(c).may[permission]) return next();
    throw new CodedError('missing_scope', `This needs a key with the scope ${SCOPE_OF[permission]}.`);
  };
}

/** The page to open after signing in: a page of the place, otherwise its first one. */
export function safeFrom({ path }: Place, from: string | null | undefined): string {
  const origin = 'http://here';
  if (from === null || from === undefined || !URL.canParse(from, origin)) return path;
  const url = new URL(from, origin);
  const isWithin = url.pathname === path || url.pathname.startsWith(`${path}/`);
  // The same after parsing: nothing in it that a browser would read differently.
  return isWithin && `${origin}${from}` === `${url.origin}${url.pathname}${url.search}` ? from : path;
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
