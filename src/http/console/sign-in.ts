import type { Hono } from 'hono';
import { createSession, endSession } from '../../accounts/console-sessions.ts';
import { useSignInLink } from '../../accounts/sign-in-links.ts';
import type { Database } from '../../db/pools.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { callerAddress, type LogIn } from '../log-in.ts';
import type { AppContext, AppEnv } from '../route.ts';
import { forgetSession, keepSession, type Place, safeFrom, sessionOf, sessionToken } from './session.ts';
import { linkPage, signInPage } from './sign-in-page.ts';

interface SignIn {
  db: Database;
  logIn: LogIn;
  place: Place;
  /** somebody came, with a key that opens the place or not, or with a link; or left */
  onVisit: (
    c: AppContext,
    what: 'signed in' | 'refused' | 'signed out',
    who: { userId: string; keyId: string; sessionId?: string },
  ) => Promise<void>;
}

/** Adds the page where one signs in with a key or a link. Its routes need no session. */
export function addSignIn(app: Hono<AppEnv>, { db, logIn, place, onVisit }: SignIn): void {
  app.get('/sign-in', (c) => {
    const from = safeFrom(place, c.req.query('from'));
    const link = c.req.query('link');
    // A previewer of messages opens addresses too: only the button uses the link.
    return c.html(
      link !== undefined && place.takesLinks ? linkPage(place, { from, link }) : signInPage(place, { from }),
    );
  });
  app.post('/sign-in', async (c) => {
    const form = await readForm(c);
    const from = safeFrom(place, form.get('from'));
    const refuse = (refusal: string, status: 401 | 403 | 429) => c.html(signInPage(place, { from, refusal }), status);
    const link = form.get('link');
    if (link !== null && place.takesLinks) {
      const used = await useSignInLink(db, { token: link, browser: browserOf(c) });
      if (!used) return refuse('This link does not work: it was used already, or is older than 15 minutes.', 401);
      await onVisit(c, 'signed in', { userId: used.userId, keyId: '', sessionId: used.session.id });
      keepSession(c, used.session.token);
      return c.redirect(from, 303);
    }
    try {
      const { userId, keyId, scopes } = await logIn(c, (form.get('key') ?? '').trim());
      if (!place.isOpenFor(scopes)) {
        await onVisit(c, 'refused', { userId, keyId });
        return refuse(place.refusal, 403);
      }
      const { token, id } = await createSession(db, { userId, keyId }, browserOf(c));
      await onVisit(c, 'signed in', { userId, keyId, sessionId: id });
      keepSession(c, token);
      return c.redirect(from, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (error.code === 'unauthenticated') return refuse('This key is not valid: unknown, expired or revoked.', 401);
      if (error.code !== 'too_many_failures') throw error;
      c.header('Retry-After', String(error.retryAfterSeconds));
      return refuse('Too many invalid keys from this address. Wait a minute.', 429);
    }
  });
}

/** Adds the form that ends the session. After `signedIn`. */
export function addSignOut(app: Hono<AppEnv>, { db, place, onVisit }: Omit<SignIn, 'logIn'>): void {
  app.post('/sign-out', async (c) => {
    await endSession(db, sessionToken(c));
    const { userId, keyId, id } = sessionOf(c);
    await onVisit(c, 'signed out', { userId, keyId, sessionId: id });
    forgetSession(c);
    return c.redirect(`${place.path}/sign-in`, 303);
  });
}

const browserOf = (c: AppContext) => ({ address: callerAddress(c), browser: c.req.header('user-agent') ?? '' });
