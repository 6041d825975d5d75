import { record } from '../accounts/audit.ts';
import type { BulkAction } from '../bulk/bulk-actions.ts';
import type { Database } from '../db/pools.ts';
import type { Act } from '../domain/audit-act.ts';
import { userOfTarget } from '../domain/pause-target.ts';
import { actionDetail } from './action-detail.ts';
import type { Operation } from './route.ts';

interface ActOf {
  what: Act;
  /** what its path names */
  names?: 'userId' | 'keyId' | 'tier' | 'actionId' | 'target';
  /** whether its answer is an action, if it is 201: without it nothing was done */
  makes?: 'action';
}

/** What each operation of operators does that changes something. */
export const ACT_OF: Record<string, ActOf> = {
  createUser: { what: 'created a user' },
  deleteUser: { what: 'erased a user', names: 'userId' },
  setSubscription: { what: "set a user's tier", names: 'userId' },
  setLimits: { what: "set a user's limits", names: 'userId' },
  resetLimits: { what: "set a user's limits", names: 'userId' },
  createKey: { what: 'created a key' },
  rotateKey: { what: 'rotated a key', names: 'keyId' },
  revokeKey: { what: 'revoked a key', names: 'keyId' },
  defineTier: { what: 'defined a tier', names: 'tier' },
  deleteTier: { what: 'deleted a tier', names: 'tier' },
  startPause: { what: 'paused', names: 'target' },
  endPause: { what: 'resumed', names: 'target' },
  startAction: { what: 'started an action', makes: 'action' },
  stopAction: { what: 'stopped an action', names: 'actionId' },
};

/** The handler of an operation, which writes into the audit log what it has done for whom. */
export function audited(db: Database, { operationId, handle }: Operation): Operation['handle'] {
  const act = ACT_OF[operationId];
  if (!act) return handle;
  const { what, names, makes } = act;
  return async (c) => {
    const response = await handle(c);
    if (!response.ok || (makes !== undefined && response.status !== 201)) return response;
    const inPath = c.req.param('id') ?? c.req.param('name') ?? c.req.param('target') ?? '';
    const { userId, ...path }: Partial<Record<NonNullable<ActOf['names']>, string>> = names ? { [names]: inPath } : {};
    const made = await idsIn(response);
    const { userId: byId, keyId } = c.var.principal;
    const ofTarget = userOfTarget(path.target ?? '');
    await record(db, {
      what,
      by: { userId: byId, keyId },
      subjectUserId: userId ?? ofTarget ?? made.userId ?? (what === 'created a user' ? made.id : undefined),
      requestId: c.var.requestId,
      detail: {
        ...path,
        ...(makes === 'action' && actionDetail((await response.clone().json()) as BulkAction)),
        ...(made.userId !== undefined && made.id !== undefined && { keyId: made.id }),
      },
    });
    return response;
  };
}

/** The ids that an answer has: what was made, and whose it is. */
async function idsIn(response: Response): Promise<{ id?: string; userId?: string }> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) return {};
  const { id, userId } = (await response.clone().json()) as { id?: unknown; userId?: unknown };
  return { ...(typeof id === 'string' && { id }), ...(typeof userId === 'string' && { userId }) };
}
