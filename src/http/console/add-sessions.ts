import type { Hono } from 'hono';
import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { endSessionById, endSessionsOf, listSessions } from '../../accounts/list-sessions.ts';
import { getUser } from '../../accounts/users.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { forgetSession, sessionOf } from './session.ts';
import { sessionsPage } from './sessions-page.ts';

const PAGE_SIZE = 50;

const sessionsQuery = z.object({
  user: z.uuid().optional(),
  show: z.literal('all').optional().catch(undefined),
  cursor: z.uuid().optional(),
  done: z.enum(['ended', 'everywhere']).optional().catch(undefined),
});

const DONE = { ended: 'The session was ended.', everywhere: 'All sessions of the user were ended.' } as const;

interface Deps extends Pick<AppDeps, 'db' | 'adminDb'> {
  acted: Acted;
}

/** Adds the list of sessions. Everybody sees and ends their own, administrators those of all. After `signedIn`. */
export function addSessions(app: Hono<AppEnv>, { db, adminDb, acted }: Deps): void {
  app.get('/sessions', async (c) => {
    const session = sessionOf(c);
    const { done, ...query } = readQuery(c, sessionsQuery);
    const isOfAll = session.may.administer && query.show === 'all' && query.user === undefined;
    const userId = session.may.administer ? (query.user ?? session.userId) : session.userId;
    const user = isOfAll ? undefined : await getUser(adminDb, { id: userId });
    const found = await listSessions(adminDb, { userId: user?.id, limit: PAGE_SIZE, cursor: query.cursor });
    const message = done && { kind: 'done' as const, text: DONE[done] };
    return c.html(sessionsPage(session, { user, found, message }));
  });

  app.post('/sessions/:id/end', async (c) => {
    const own = sessionOf(c);
    const id = c.req.param('id');
    const which = { id, userId: own.may.administer ? undefined : own.userId };
    const ended = isUuid(id) ? await endSessionById(db, which) : undefined;
    if (!ended) throw new CodedError('not_found', 'there is no such session, or it has ended already');
    await acted(c, 'ended a session', { subjectUserId: ended.userId, detail: { sessionId: id } });
    if (id === own.id) forgetSession(c);
    return c.redirect(pathAfter(own.userId, ended.userId, 'ended'), 303); // without a session it leads to signing in
  });

  app.post('/sessions/end-all', async (c) => {
    const own = sessionOf(c);
    const wanted = (await readForm(c)).get('user') ?? own.userId;
    if (wanted !== own.userId && !own.may.administer)
      throw new CodedError('missing_scope', 'Only an administrator ends the sessions of others.');
    const { id: userId } = await getUser(adminDb, { id: wanted });
    const sessions = await endSessionsOf(db, userId);
    await acted(c, 'signed out everywhere', { subjectUserId: userId, detail: { sessions } });
    if (userId === own.userId) forgetSession(c);
    return c.redirect(pathAfter(own.userId, userId, 'everywhere'), 303);
  });
}

function pathAfter(ownId: string, userId: string, done: keyof typeof DONE): string {
  return `/console/sessions?${userId === ownId ? '' : `user=${userId}&`}done=${done}`;
}
