import type { Hono } from 'hono';
import { z } from 'zod';
import { createUser } from '../../accounts/create-user.ts';
import { searchUsers, USER_ORDERS } from '../../accounts/search-users.ts';
import { setTier } from '../../accounts/subscriptions.ts';
import { readUsage } from '../../accounts/usage.ts';
import { setLimits } from '../../accounts/user-limits.ts';
import { readUserOverview } from '../../accounts/user-overview.ts';
import { getUser } from '../../accounts/users.ts';
import { type LimitOverrides, limitsInForce } from '../../domain/limit-overrides.ts';
import { eraseUser } from '../../jobs/erase-user.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { statusOf } from '../problem.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import type { Message } from './layout.ts';
import { requires, sessionOf } from './session.ts';
import { userPage, type UserView } from './user-page.ts';
import { usersPage, type UsersQuery } from './users-page.ts';

const PAGE_SIZE = 50;
/** Days of usage that are shown. */
const DAYS = 7;
/** Milliseconds that an operator waits for an erasure; workers do the rest. */
const WAIT_MS = 10_000;

const DONE = {
  created: 'The user was created.',
  tier: 'The tier was changed.',
  limits: 'The limits were changed.',
  erased: 'The user and everything of theirs was erased.',
  erasing: 'The user has no keys any more. Workers erase the rest.',
} as const;

const done = z
  .enum(Object.keys(DONE) as [keyof typeof DONE])
  .optional()
  .catch(undefined);
const usersQuery = z.object({
  q: z.string().trim().max(320).optional(),
  order: z.enum(USER_ORDERS).catch('newest'),
  cursor: z.string().max(320).optional(),
  done,
});

interface Deps extends Pick<AppDeps, 'db' | 'reads' | 'adminDb' | 'queue' | 'stores'> {
  acted: Acted;
}

/** Adds the pages of users, and what an administrator may do with one. After `signedIn`. */
export function addUsers(app: Hono<AppEnv>, { db, reads, adminDb, queue, stores, acted }: Deps): void {
  const list = async (c: AppContext, query: UsersQuery, message?: Message) => {
    const { order, cursor } = query;
    const q = query.q || undefined;
    const found = await searchUsers(adminDb, { start: q, order, cursor: cursorOf(query), limit: PAGE_SIZE });
    return usersPage(sessionOf(c), { query: { q, order, cursor }, found, message });
  };
  app.get('/users', async (c) => {
    const { done: what, ...query } = readQuery(c, usersQuery);
    return c.html(await list(c, query, messageOf(what)));
  });
  app.post('/users', requires('administer'), async (c) => {
    const email = (await readForm(c)).get('email') ?? '';
    try {
      const { id } = await createUser(adminDb, { email });
      await acted(c, 'created a user', { subjectUserId: id });
      return c.redirect(`/console/users/${id}?done=created`, 303);
    } catch (error) {
      const { refusal, status } = refusalOf(error, 'Not created');
      return c.html(await list(c, { order: 'newest' }, refusal), status);
    }
  });

  const view = async (c: AppContext, message?: Message): Promise<UserView> => {
    const user = await getUser(adminDb, { id: c.req.param('id') ?? '' });
    const overview = await readUserOverview(adminDb, user);
    const { tier } = overview;
    const limits = tier && limitsInForce(tier, user.limits);
    const usage =
      limits &&
      (await c.var.underWay.reading(user.id, () => readUsage(reads, { userId: user.id, limits, days: DAYS })));
    return { user, overview, usage, message };
  };
  app.get('/users/:id', async (c) => {
    const { done: what } = readQuery(c, z.object({ done }));
    return c.html(userPage(sessionOf(c), await view(c, messageOf(what))));
  });

  /** Does what a form asks for, or says on the page why not. */
  const change = (
    path: string,
    what: string,
    act: (c: AppContext, userId: string, form: URLSearchParams) => Promise<string>,
  ) =>
    // prettier-ignore
    app.post(`/users/:id/${path}`, requires('administer'), async (c) => {
      const { id } = await getUser(adminDb, { id: c.req.param('id') ?? '' });
      const form = await readForm(c);
      try {
        return c.redirect(await act(c, id, form), 303);
      } catch (error) {
        const { refusal, status } = refusalOf(error, what);
        return c.html(userPage(sessionOf(c), await view(c, refusal)), status);
      }
    });
  change('tier', 'Not changed', async (c, userId, form) => {
    const { tier } = await setTier(db, { userId, tier: form.get('tier') ?? '' });
    await acted(c, "set a user's tier", { subjectUserId: userId, detail: { tier: tier ?? '' } });
    return `/console/users/${userId}?done=tier`;
  });
  change('limits', 'Not changed', async (c, userId, form) => {
    const limits = overridesOf(form);
    await setLimits(db, { userId, limits });
    const detail = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, value ?? 'none']));
    await acted(c, "set a user's limits", { subjectUserId: userId, detail });
    return `/console/users/${userId}?done=limits`;
  });
  change('erase', 'Not erased', async (c, userId, form) => {
    const { email } = await getUser(adminDb, { id: userId });
    if ((form.get('email') ?? '').trim().toLowerCase() !== email)
      throw new CodedError('invalid_request', `email: allowed: ${email}, typed out`);
    const { isDone } = await eraseUser({ db: adminDb, queue, stores }, { id: userId }, { withinMs: WAIT_MS });
    await acted(c, 'erased a user', { subjectUserId: userId });
    return `/console/users?done=${isDone ? 'erased' : 'erasing'}`;
  });
}

const messageOf = (what: keyof typeof DONE | undefined): Message | undefined =>
  what && { kind: 'done', text: DONE[what] };

/** Why an operator's form was refused. @throws what is no refusal */
export function refusalOf(error: unknown, what: string) {
  if (!(error instanceof CodedError)) throw error;
  const text = error.fields?.map(({ field, message }) => `${field}: ${message}`).join('; ') ?? error.message;
  return { refusal: { kind: 'refused', text: `${what}: ${text}.` } as const, status: statusOf(error.code) };
}

/** An empty field is as the tier says; `none` is no limit. What is no number is left to the check. */
function overridesOf(form: URLSearchParams): LimitOverrides {
  const given = (['requestsPerMinute', 'requestsPerDay', 'priority', 'retention'] as const).flatMap((name) => {
    const text = form.get(name)?.trim() ?? '';
    return text === '' ? [] : [[name, text === 'none' ? null : Number(text)] as const];
  });
  return Object.fromEntries(given);
}

/** One that is not valid begins from the start. */
function cursorOf({ order, cursor }: UsersQuery): string | undefined {
  const isId = z.uuid().safeParse(cursor).success;
  return order === 'email' || isId ? cursor : undefined;
}
