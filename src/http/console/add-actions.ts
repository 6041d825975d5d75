import type { Hono } from 'hono';
import { z } from 'zod';
import { listTiers } from '../../accounts/tiers.ts';
import { countForAction, getAction, listActions, startAction, stopAction } from '../../bulk/bulk-actions.ts';
import { BULK_ACTIONS, type BulkActionName, readBulkFilter } from '../../domain/bulk-action.ts';
import { jobFilterFields, type JobFilter } from '../../domain/job-filter.ts';
import { listPauses } from '../../jobs/pauses.ts';
import { CodedError } from '../../kernel/errors.ts';
import { actionDetail } from '../action-detail.ts';
import { readForm } from '../body.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import { actionFragment, actionPage, actionsPage, newActionPage } from './actions-page.ts';
import type { Acted } from './acted.ts';
import type { Message } from './layout.ts';
import { requires, sessionOf, signerOf } from './session.ts';

const PAGE_SIZE = 50;
const listQuery = z.object({
  cursor: z.uuid().optional(),
  done: z.enum(['paused', 'resumed']).optional().catch(undefined),
});

interface Deps {
  deps: Pick<AppDeps, 'adminDb' | 'events'>;
  acted: Acted;
}

const DONE: Record<'paused' | 'resumed', Message> = {
  paused: { kind: 'done', text: 'It is paused.' },
  resumed: { kind: 'done', text: 'The pause has ended: its jobs come back to their places.' },
};

/** Adds the pages of what is done to many jobs at once. After `signedIn`. */
export function addActions(app: Hono<AppEnv>, { deps, acted }: Deps): void {
  const { adminDb, events } = deps;
  app.get('/actions', async (c) => {
    const { cursor, done } = readQuery(c, listQuery);
    const [pauses, tiers, { data: actions, nextCursor: next }] = await Promise.all([
      listPauses(adminDb),
      listTiers(adminDb),
      listActions(adminDb, { limit: PAGE_SIZE, cursor }),
    ]);
    const message = done && DONE[done];
    return c.html(actionsPage(sessionOf(c), { pauses, tiers: tiers.map(({ name }) => name), actions, next, message }));
  });

  app.get('/actions/new', requires('operate'), async (c) => {
    const { action, filter } = wantedOf(new URL(c.req.url).searchParams);
    const counted = await countForAction(adminDb, filter);
    return c.html(newActionPage(sessionOf(c), { action, fields: jobFilterFields(filter), counted }));
  });
  app.post('/actions', async (c) => {
    const { action, filter } = wantedOf(await readForm(c));
    const { requestId } = c.var;
    const by = signerOf(c);
    const started = await startAction(adminDb, { action, filter, startedBy: by, requestId });
    const { id, expected } = started;
    events.bulk.actionStarted({ by, requestId, actionId: id, action, expected });
    await acted(c, 'started an action', { detail: actionDetail(started) });
    return c.redirect(`/console/actions/${id}`, 303);
  });

  app.get('/actions/:id', async (c) => c.html(actionPage(sessionOf(c), await getAction(adminDb, idOf(c)))));
  app.get('/fragments/actions/:id', async (c) => {
    const action = await getAction(adminDb, idOf(c));
    return c.html(actionFragment(action), 200, { 'X-Console-State': action.status });
  });
  app.post('/actions/:id/stop', async (c) => {
    const { id: actionId } = await stopAction(adminDb, idOf(c));
    events.bulk.actionStopped({ by: signerOf(c), requestId: c.var.requestId, actionId });
    await acted(c, 'stopped an action', { detail: { actionId } });
    return c.redirect(`/console/actions/${actionId}`, 303);
  });
}

const idOf = (c: AppContext) => c.req.param('id') ?? '';

/** What a form or an address asks for. @throws CodedError `invalid_request` */
function wantedOf(params: URLSearchParams): { action: BulkActionName; filter: JobFilter } {
  const { action: name = '', ...fields } = Object.fromEntries([...params].filter(([, value]) => value !== ''));
  const action = BULK_ACTIONS.find((each) => each === name);
  if (!action) throw new CodedError('invalid_request', `action: allowed: ${BULK_ACTIONS.join(', ')}`);
  return { action, filter: readBulkFilter(action, fields) };
}
