import type { Hono } from 'hono';
import { z } from 'zod';
import { getUser } from '../../accounts/users.ts';
import { QueryCache } from '../../cache/query-cache.ts';
import { listDeliveries } from '../../deliveries/read-deliveries.ts';
import { replayDelivery, replayFailed } from '../../deliveries/replay.ts';
import { findWebhook, searchWebhooks } from '../../deliveries/search-webhooks.ts';
import { SHOWN_STATUSES } from '../../domain/delivery-status.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { statusOf } from '../problem.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { count, type Html } from './figures.ts';
import type { Message } from './layout.ts';
import { sessionOf } from './session.ts';
import { healthFragment, sentFragment, webhookPage, type WebhookQuery, type WebhookView } from './webhook-page.ts';
import { type FoundWebhooks, webhooksFragment, webhooksPage, type WebhooksQuery } from './webhooks-page.ts';

const PAGE_SIZE = 50;
/** Milliseconds that a list that is refreshed is cached, for all operators: jobs end all the time. */
const LIST_MS = 3_000;
/** Each with its attempts. */
const DELIVERIES = 20;

const webhooksQuery = z.object({
  show: z.literal('all').optional().catch(undefined),
  user: z.uuid().optional(),
  cursor: z.uuid().optional(),
});
const webhookQuery = z.object({
  status: z.enum(SHOWN_STATUSES).optional().catch(undefined),
  cursor: z.uuid().optional(),
  again: z.coerce.number().int().min(0).max(1_000_000).optional().catch(undefined),
  more: z.literal('yes').optional().catch(undefined),
});
/** What a field for a time sends, in UTC. */
const sinceSchema = z.iso.datetime({ local: true, error: 'allowed: a time in UTC, such as 2031-12-31T00:00' });

interface Deps extends Pick<AppDeps, 'db' | 'reads' | 'adminDb'> {
  onCached: (result: 'hit' | 'miss') => void;
  acted: Acted;
}

/** Adds the pages of endpoints, and what an operator may do for their owners. After `signedIn`. */
export function addWebhooks(app: Hono<AppEnv>, { db, reads, adminDb, onCached, acted }: Deps): void {
  const lists = new QueryCache<FoundWebhooks>({ max: 8, ttlMs: LIST_MS, onRequest: onCached });
  const find = ({ show, user, cursor }: WebhooksQuery) =>
    searchWebhooks(adminDb, { userId: user, inTrouble: show === undefined && user === undefined, limit: PAGE_SIZE, cursor }); // prettier-ignore
  app.get('/webhooks', async (c) => {
    const query = readQuery(c, webhooksQuery);
    const user = query.user === undefined ? undefined : await getUser(adminDb, { id: query.user });
    return c.html(webhooksPage(sessionOf(c), { query, user, found: await find(query) }));
  });
  app.get('/fragments/webhooks', async (c) => {
    const query = readQuery(c, webhooksQuery);
    return c.html(webhooksFragment(await lists.get(JSON.stringify(query), () => find(query)), query));
  });

  const view = async (c: AppContext, { status, cursor }: WebhookQuery): Promise<WebhookView> => {
    const webhook = await findWebhook(adminDb, idOf(c));
    const which = { userId: webhook.userId, webhookId: webhook.id, status, cursor, limit: DELIVERIES };
    const sent = await c.var.underWay.reading(webhook.userId, () => listDeliveries(reads, which));
    return { webhook, query: { status, cursor }, sent };
  };
  app.get('/webhooks/:id', async (c) => {
    const { again, more, ...query } = readQuery(c, webhookQuery);
    const message = again === undefined ? undefined : sentAgain(again, more !== undefined);
    return c.html(webhookPage(sessionOf(c), { ...(await view(c, query)), message }));
  });
  app.get('/fragments/webhooks/:id', async (c) => c.html(healthFragment(await findWebhook(adminDb, idOf(c)))));
  app.get('/fragments/webhooks/:id/deliveries', async (c) =>
    c.html(sentFragment(await view(c, readQuery(c, webhookQuery)), sessionOf(c).may)),
  );

  /** Does what a form asks for, or says on the page why not. */
  const act = async (c: AppContext, what: (userId: string) => Promise<{ replayed: number; more: boolean }>) => {
    const webhookId = idOf(c);
    const { userId } = await findWebhook(adminDb, webhookId);
    try {
      const { replayed, more } = await what(userId);
      if (replayed > 0) await acted(c, 'sent deliveries again', { webhookId, subjectUserId: userId });
      return c.redirect(`/console/webhooks/${webhookId}?again=${replayed}${more ? '&more=yes' : ''}`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const message: Message = { kind: 'refused', text: `Not sent again: ${error.message}.` };
      const page: Html = webhookPage(sessionOf(c), { ...(await view(c, {})), message });
      return c.html(page, statusOf(error.code));
    }
  };
  app.post('/webhooks/:id/deliveries/:deliveryId/replay', (c) =>
    act(c, async (userId) => {
      const which = { userId, deliveryId: c.req.param('deliveryId') ?? '', of: { webhookId: idOf(c) } };
      await replayDelivery(db, which);
      return { replayed: 1, more: false };
    }),
  );
  app.post('/webhooks/:id/replay', async (c) => {
    const since = sinceSchema.safeParse((await readForm(c)).get('since') ?? '');
    return act(c, async (userId) => {
      if (!since.success) throw new CodedError('invalid_request', since.error.issues[0]?.message ?? 'no time');
      return replayFailed(db, { userId, webhookId: idOf(c), since: `${since.data.replace(/Z$/, '')}Z` });
    });
  });
}

const idOf = (c: AppContext) => c.req.param('id') ?? '';

function sentAgain(number: number, isMore: boolean): Message {
  if (number === 0) return { kind: 'done', text: 'Nothing has failed since then.' };
  const more = isMore ? ' There may be more: send them again, too.' : '';
  return {
    kind: 'done',
    text: `${number === 1 ? '1 delivery' : `${count(number)} deliveries`} will be sent again.${more}`,
  };
}
