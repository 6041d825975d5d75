import type { Hono } from 'hono';
import { z } from 'zod';
import { countedTiers } from '../../accounts/counted-tiers.ts';
import { defineTier, deleteTier, findTier } from '../../accounts/tiers.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { refusalOf } from './add-users.ts';
import type { Message } from './layout.ts';
import { requires, sessionOf } from './session.ts';
import { tierPage, tiersPage } from './tiers-page.ts';

const DONE = { defined: 'The tier is as you see it.', deleted: 'The tier was deleted.' } as const;
const query = z.object({ done: z.enum(['defined', 'deleted']).optional().catch(undefined) });

/** Adds the pages of tiers, and what an administrator may do with one. After `signedIn`. */
export function addTiers(
  app: Hono<AppEnv>,
  { db, adminDb, acted }: Pick<AppDeps, 'db' | 'adminDb'> & { acted: Acted },
): void {
  const messageOf = (c: AppContext): Message | undefined => {
    const { done } = readQuery(c, query);
    return done && { kind: 'done', text: DONE[done] };
  };
  const list = async (c: AppContext, message?: Message) =>
    tiersPage(sessionOf(c), { tiers: await countedTiers(adminDb), message });
  const one = async (c: AppContext, name: string, message?: Message) => {
    const tier = (await countedTiers(adminDb)).find((each) => each.name === name);
    if (!tier) throw new CodedError('not_found', `there is no tier ${name.slice(0, 100)}`);
    return tierPage(sessionOf(c), tier, message);
  };
  app.get('/tiers', async (c) => c.html(await list(c, messageOf(c))));
  app.get('/tiers/:name', async (c) => c.html(await one(c, c.req.param('name'), messageOf(c))));

  app.post('/tiers', requires('administer'), async (c) => {
    const form = await readForm(c);
    const name = form.get('name') ?? '';
    const isChange = form.has('changes');
    try {
      // Somebody else may have made or deleted it meanwhile.
      if (((await findTier(adminDb, name)) !== undefined) !== isChange)
        throw new CodedError(
          'invalid_request',
          `name: there is ${isChange ? 'no' : 'already a'} tier ${name.slice(0, 100)}`,
        );
      const limit = (field: string) => (form.get(field) ? Number(form.get(field)) : null);
      const { tier } = await defineTier(db, {
        name,
        requestsPerMinute: limit('requestsPerMinute'),
        requestsPerDay: limit('requestsPerDay'),
        priority: Number(form.get('priority') ?? NaN),
        retention: limit('retention'),
      });
      await acted(c, 'defined a tier', { detail: { tier: tier.name } });
      return c.redirect(`/console/tiers/${tier.name}?done=defined`, 303);
    } catch (error) {
      const { refusal, status } = refusalOf(error, isChange ? 'Not changed' : 'Not created');
      const isThere = isChange && (await findTier(adminDb, name)) !== undefined;
      return c.html(await (isThere ? one(c, name, refusal) : list(c, refusal)), status);
    }
  });
  app.post('/tiers/:name/delete', requires('administer'), async (c) => {
    const name = c.req.param('name');
    try {
      await deleteTier(db, name);
      await acted(c, 'deleted a tier', { detail: { tier: name } });
      return c.redirect('/console/tiers?done=deleted', 303);
    } catch (error) {
      const { refusal, status } = refusalOf(error, 'Not deleted');
      return c.html(await list(c, refusal), status);
    }
  });
}
