import type { Hono } from 'hono';
import { z } from 'zod';
import { readLimitsInForce } from '../../accounts/user-limits.ts';
import { getUser } from '../../accounts/users.ts';
import { cancelBatch } from '../../batches/cancel-batch.ts';
import { listItems } from '../../batches/read-items.ts';
import { retryBatch } from '../../batches/retry-batch.ts';
import { findBatch, findBatchOwner, type OperatorBatch, searchBatches } from '../../batches/search-batches.ts';
import { QueryCache } from '../../cache/query-cache.ts';
import type { Database } from '../../db/pools.ts';
import { listBatchDeliveries } from '../../deliveries/read-deliveries.ts';
import { replayDelivery } from '../../deliveries/replay.ts';
import type { Act } from '../../domain/audit-act.ts';
import { BATCH_STATUSES, MAX_ITEMS } from '../../domain/batch.ts';
import { CodedError } from '../../kernel/errors.ts';
import { statusOf } from '../problem.ts';
import { readQuery } from '../query.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../route.ts';
import type { Acted } from './acted.ts';
import { batchFragment, batchPage, type BatchQuery, type BatchView, failuresFragment, type ItemPage, SHOWN_ITEMS, stateOf } from './batch-page.ts'; // prettier-ignore
import { batchesFragment, batchesPage, type BatchesQuery, type FoundBatches } from './batches-page.ts';
import { findUser } from './find-user.ts';
import type { Message } from './layout.ts';
import { sessionOf } from './session.ts';

const PAGE_SIZE = 50;
/** Items that failed, before all others. */
const FAILURES = 20;
/** Milliseconds that a list that is refreshed is cached, for all operators: items end all the time. */
const LIST_MS = 2_000;
/** Milliseconds of a request that cancels; what is left then, workers cancel. */
const CANCEL_MS = 2_000;

const batchesQuery = z.object({
  status: z.enum(BATCH_STATUSES).optional().catch(undefined),
  user: z.uuid().optional(),
  cursor: z.uuid().optional(),
  q: z.string().max(400).optional(),
});
const batchQuery = z.object({
  status: z.enum(SHOWN_ITEMS).optional().catch(undefined),
  after: z.coerce.number().int().min(0).max(MAX_ITEMS).optional().catch(undefined),
  done: z.enum(['cancelled', 'retried', 'sent-again']).optional().catch(undefined),
});

const DONE = {
  cancelled: 'The batch was cancelled. What was completed stays.',
  retried: 'What failed or was cancelled is done again.',
  'sent-again': 'It will be sent again.',
} as const;
const NONE: ItemPage = { items: [], next: null };

interface Deps {
  deps: AppDeps;
  onCached: (result: 'hit' | 'miss') => void;
  acted: Acted;
}

/** Adds the pages of batches, and what an operator may do for their owners. After `signedIn`. */
export function addBatches(app: Hono<AppEnv>, { deps, onCached, acted }: Deps): void {
  const { db, reads, adminDb, queue, events } = deps;
  const lists = new QueryCache<FoundBatches>({ max: 8, ttlMs: LIST_MS, onRequest: onCached });
  const find = ({ status, user, cursor }: BatchesQuery) =>
    searchBatches(adminDb, { status, userId: user, cursor, limit: PAGE_SIZE });
  app.get('/batches', async (c) => {
    const { q, ...query } = readQuery(c, batchesQuery);
    const wanted = q?.trim() ?? '';
    if (wanted === '') {
      const user = query.user === undefined ? undefined : await getUser(adminDb, { id: query.user });
      return c.html(batchesPage(sessionOf(c), { query, user, found: await find(query) }));
    }
    if (await findBatchOwner(adminDb, wanted)) return c.redirect(`/console/batches/${wanted.toLowerCase()}`, 303);
    const user = await findUser(adminDb, wanted);
    if (user) return c.redirect(`/console/batches?user=${user.id}`, 303);
    throw new CodedError('not_found', `there is no batch and no user ${wanted.slice(0, 100)}`);
  });
  app.get('/fragments/batches', async (c) => {
    const { q: _, ...query } = readQuery(c, batchesQuery);
    return c.html(batchesFragment(await lists.get(JSON.stringify(query), () => find(query)), query));
  });

  const itemsOf = (c: AppContext, batch: OperatorBatch, { status, after = 0 }: BatchQuery, limit: number) => {
    const which = { userId: batch.userId, batchId: batch.id, status, after, limit };
    // Without any of them all rows would be read in vain.
    if (status !== undefined && batch.items[status] === 0) return Promise.resolve(NONE);
    return c.var.underWay.reading(batch.userId, () => listItems(reads, which));
  };
  const failuresOf = (c: AppContext, batch: OperatorBatch) => itemsOf(c, batch, { status: 'failed' }, FAILURES);
  const view = async (c: AppContext, query: BatchQuery, message?: Message): Promise<BatchView> => {
    const batch = await findBatch(adminDb, idOf(c));
    const items = await itemsOf(c, batch, query, PAGE_SIZE);
    const which = { userId: batch.userId, batchId: batch.id };
    const deliveries = await c.var.underWay.reading(batch.userId, () => listBatchDeliveries(reads, which));
    return { batch, query, items, failures: await failuresOf(c, batch), deliveries, message };
  };
  app.get('/batches/:id', async (c) => {
    const { done, ...query } = readQuery(c, batchQuery);
    return c.html(batchPage(sessionOf(c), await view(c, query, done && { kind: 'done', text: DONE[done] })));
  });
  app.get('/fragments/batches/:id', async (c) => {
    const batch = await findBatch(adminDb, idOf(c));
    return c.html(batchFragment(batch), 200, { 'X-Console-State': stateOf(batch) });
  });
  app.get('/fragments/batches/:id/failures', async (c) => {
    const batch = await findBatch(adminDb, idOf(c));
    return c.html(failuresFragment(batch, await failuresOf(c, batch)));
  });

  app.post('/batches/:id/cancel', async (c) => {
    const batchId = idOf(c);
    const { userId } = await ownerOf(adminDb, batchId);
    await cancelBatch({ db, queue, events }, { userId, batchId, ...aboutOf(c) }, { withinMs: CANCEL_MS });
    await acted(c, 'cancelled a batch', { batchId, subjectUserId: userId });
    const { status } = await findBatch(adminDb, batchId);
    return c.redirect(`/console/batches/${batchId}${status === 'cancelled' ? '?done=cancelled' : ''}`, 303);
  });

  /** Does what a form asks for, or says on the page why not. */
  const act = async (c: AppContext, done: keyof typeof DONE, act: Act, what: (userId: string) => Promise<unknown>) => {
    const batchId = idOf(c);
    const { userId } = await ownerOf(adminDb, batchId);
    try {
      await what(userId);
      await acted(c, act, { batchId, subjectUserId: userId });
      return c.redirect(`/console/batches/${batchId}?done=${done}`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const not = done === 'retried' ? 'Not retried' : 'Not sent again';
      const refused = await view(c, {}, { kind: 'refused', text: `${not}: ${error.message}.` });
      return c.html(batchPage(sessionOf(c), refused), statusOf(error.code));
    }
  };
  app.post('/batches/:id/retry', (c) =>
    act(c, 'retried', 'retried a batch', async (userId) => {
      const tier = await readLimitsInForce(adminDb, { id: userId });
      if (!tier) throw new CodedError('batch_not_retryable', 'its user has no subscription');
      const { requestId, span } = c.var;
      const of = { principal: { userId, tier }, requestId, traceparent: span.traceparent };
      await retryBatch(deps, { batchId: idOf(c), ...of });
    }),
  );
  app.post('/batches/:id/deliveries/:deliveryId/replay', (c) =>
    act(c, 'sent-again', 'sent deliveries again', (userId) =>
      replayDelivery(db, { userId, deliveryId: c.req.param('deliveryId') ?? '', of: { batchId: idOf(c) } }),
    ),
  );
}

const idOf = (c: AppContext) => c.req.param('id') ?? '';

async function ownerOf(adminDb: Database, batchId: string): Promise<{ userId: string }> {
  const owner = await findBatchOwner(adminDb, batchId);
  if (!owner) throw new CodedError('not_found', 'there is no such batch');
  return owner;
}
