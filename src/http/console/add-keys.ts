import type { Hono } from 'hono';
import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { createKey, noKey, revokeKey } from '../../accounts/keys.ts';
import { rotateKey } from '../../accounts/rotate-key.ts';
import { findKey, KEY_STATES, searchKeys } from '../../accounts/search-keys.ts';
import { listTiers } from '../../accounts/tiers.ts';
import { getUser } from '../../accounts/users.ts';
import { readForm } from '../body.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { refusalOf } from './add-users.ts';
import { findUser } from './find-user.ts';
import { keyPage } from './key-page.ts';
import { keysPage, type KeysQuery, newKeyPage } from './keys-page.ts';
import type { Message } from './layout.ts';
import { requires, sessionOf } from './session.ts';

const PAGE_SIZE = 50;
/** Of a key, as much as is kept of it. A whole one is not looked for: it would be in the address. */
const KEPT_CHARACTERS = 10;

const keysQuery = z.object({
  user: z.uuid().optional(),
  q: z.string().trim().max(320).optional(),
  state: z.enum(KEY_STATES).optional().catch(undefined),
  cursor: z.uuid().optional(),
});
const keyQuery = z.object({ done: z.literal('revoked').optional().catch(undefined) });

/** Adds the pages of keys, and what an administrator may do with one. After `signedIn`. */
export function addKeys(
  app: Hono<AppEnv>,
  { db, adminDb, acted }: Pick<AppDeps, 'db' | 'adminDb'> & { acted: Acted },
): void {
  const list = async (c: AppContext, query: KeysQuery, message?: Message) => {
    const { user: userId, q: start, state, cursor } = query;
    const [user, tiers, found] = await Promise.all([
      userId === undefined ? undefined : getUser(adminDb, { id: userId }),
      listTiers(adminDb),
      searchKeys(adminDb, { userId, start, state, cursor, limit: PAGE_SIZE }),
    ]);
    return keysPage(sessionOf(c), { query, user, found, tiers, message });
  };
  app.get('/keys', async (c) => {
    const { q = '', ...query } = readQuery(c, keysQuery);
    if (q === '') return c.html(await list(c, query));
    if (q.startsWith('pdf_')) {
      const kept = q.slice(0, KEPT_CHARACTERS);
      if (kept !== q) return c.redirect(`/console/keys?q=${encodeURIComponent(kept)}`, 303);
      return c.html(await list(c, { ...query, q }));
    }
    if (isUuid(q) && (await findKey(adminDb, q))) return c.redirect(`/console/keys/${q.toLowerCase()}`, 303);
    const user = await findUser(adminDb, q);
    if (user) return c.redirect(`/console/keys?user=${user.id}`, 303);
    const text = `There is no key and no user ${q.slice(0, 100)}; allowed: how a key begins, or an email or an id.`;
    return c.html(await list(c, query, { kind: 'refused', text }), 404);
  });
  app.post('/keys', requires('administer'), async (c) => {
    const form = await readForm(c);
    const given = (name: string) => form.get(name) || undefined;
    const until = given('expiresAt');
    try {
      const created = await createKey(db, {
        email: given('email') ?? '',
        tier: given('tier'),
        scopes: form.getAll('scopes'),
        expiresAt: until === undefined ? undefined : inUtc(until),
      });
      await acted(c, 'created a key', { subjectUserId: created.userId, detail: { keyId: created.id } });
      return c.html(newKeyPage(sessionOf(c), created), 201);
    } catch (error) {
      const { refusal, status } = refusalOf(error, 'Not created');
      return c.html(await list(c, {}, refusal), status);
    }
  });

  const one = async (c: AppContext) => {
    const id = c.req.param('id') ?? '';
    const key = isUuid(id) ? await findKey(adminDb, id) : undefined;
    if (!key) throw noKey(id);
    return key;
  };
  app.get('/keys/:id', async (c) => {
    const { done } = readQuery(c, keyQuery);
    const message: Message | undefined = done && { kind: 'done', text: 'The key was revoked.' };
    return c.html(keyPage(sessionOf(c), await one(c), message));
  });
  app.post('/keys/:id/rotate', requires('administer'), async (c) => {
    const { id, userId } = await one(c);
    const graceSeconds = Number((await readForm(c)).get('graceSeconds') ?? NaN);
    try {
      const rotated = await rotateKey(db, { id, graceSeconds });
      await acted(c, 'rotated a key', { subjectUserId: userId, detail: { keyId: id, newKeyId: rotated.id } });
      return c.html(newKeyPage(sessionOf(c), rotated), 201);
    } catch (error) {
      const { refusal, status } = refusalOf(error, 'Not rotated');
      return c.html(keyPage(sessionOf(c), await one(c), refusal), status);
    }
  });
  app.post('/keys/:id/revoke', requires('administer'), async (c) => {
    const { id, userId } = await one(c);
    await revokeKey(db, id);
    await acted(c, 'revoked a key', { subjectUserId: userId, detail: { keyId: id } });
    // Whose own key it was, has no session any more.
    return c.redirect(`/console/keys/${id}?done=revoked`, 303);
  });
}

/** What a field for a time sends, with the zone and the seconds that it lacks. */
const inUtc = (text: string) => `${text.length === 16 ? `${text}:00` : text}Z`;
