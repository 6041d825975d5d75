import { record } from '../accounts/audit.ts';
import type { Database } from '../db/pools.ts';
import type { Act } from '../domain/audit-act.ts';
import type { Operation } from './route.ts';

/** What each operation of operators that changes something does, and what its path names. */
export const ACT_OF: Record<string, { what: Act; names?: 'userId' | 'keyId' | 'tier' | 'jobId' }> = {
  createUser: { what: 'created a user' },
  deleteUser: { what: 'erased a user', names: 'userId' },
  setSubscription: { what: "set a user's tier", names: 'userId' },
  createKey: { what: 'created a key' },
  rotateKey: { what: 'rotated a key', names: 'keyId' },
  revokeKey: { what: 'revoked a key', names: 'keyId' },
  defineTier: { what: 'defined a tier', names: 'tier' },
  deleteTier: { what: 'deleted a tier', names: 'tier' },
};

/** The handler of an operation, which writes into the audit log what it has done for whom. */
export function audited(db: Database, { operationId, handle }: Operation): Operation['handle'] {
  const act = ACT_OF[operationId];
  if (!act) return handle;
  const { what, names } = act;
  return async (c) => {
    const response = await handle(c);
    if (!response.ok) return response;
    const named = names && { [names]: c.req.param('id') ?? c.req.param('name') ?? '' };
    const { userId, jobId, ...path } = { userId: undefined, jobId: undefined, ...named };
    const made = await idsIn(response);
    const { userId: byId, keyId } = c.var.principal;
    await record(db, {
      what,
      by: { userId: byId, keyId },
      jobId,
      subjectUserId: userId ?? made.userId ?? (what === 'created a user' ? made.id : undefined),
      requestId: c.var.requestId,
      detail: { ...path, ...(made.userId !== undefined && made.id !== undefined && { keyId: made.id }) },
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
