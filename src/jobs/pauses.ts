import { eq, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';
import { pause, tier, user } from '../db/schema.ts';
import { type PauseTarget, pauseTargetText, readPauseTarget, TARGET_ALLOWED } from '../domain/pause-target.ts';
import { CodedError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';

/** Jobs that are not begun until somebody ends the pause. Those that run go on, and new ones are accepted. */
export interface Pause {
  /** as text: `all`, `tier:NAME` or `user:ID` */
  target: string;
  /** of a user's */
  email: string | null;
  reason: string;
  pausedAt: Date;
}

interface TenantOf {
  tier: SQL | Placeholder | string;
  userId: SQL | Placeholder | string;
}

/**
 * Whether a tenant or a tier is paused: columns of a row, or values. The table decides, which almost always is empty;
 * then this costs nothing.
 */
export const isPaused = ({ tier: name, userId }: TenantOf): SQL<boolean> => sql`
  exists (select from pdfprompt_pause p where ${isOfTarget({ tier: name, userId })})`;

/** Whether a pause `p` is one of theirs. */
export const isOfTarget = ({ tier: name, userId }: TenantOf): SQL<boolean> =>
  sql`p.target in ('all', 'tier:' || ${name}::text, 'user:' || ${userId}::text)`;

/** Of a row `j` of jobs or batches. */
export const IS_PAUSED = isPaused({ tier: sql`j.tier`, userId: sql`j.user_id` });

/** Everything that is paused: all first, then tiers, then users. */
export async function listPauses(db: Queryable): Promise<Pause[]> {
  return db
    .select({ target: pause.target, email: user.email, reason: pause.reason, pausedAt: pause.pausedAt })
    .from(pause)
    .leftJoin(user, eq(user.id, pause.userId))
    .orderBy(pause.target);
}

/**
 * Pauses, or changes the reason of a pause.
 * @throws CodedError `invalid_request` if it is no target, `not_found` if there is no such tier or user
 */
export async function startPause(
  db: Database,
  { target, reason }: { target: string; reason: string },
): Promise<{ pause: Pause; isNew: boolean }> {
  const which = toTarget(target);
  await checkTarget(db, which);
  const text = pauseTargetText(which);
  const [row] = await db.execute<{ is_new: boolean }>(sql`
    insert into ${pause} (target, reason) values (${text}, ${reason})
    on conflict (target) do update set reason = excluded.reason
    returning xmax = 0 as is_new`);
  const found = (await listPauses(db)).find((each) => each.target === text);
  if (!row || !found) throw new CodedError('not_found', `${text} is not paused any longer`);
  return { pause: found, isNew: row.is_new };
}

/**
 * Ends a pause: its jobs come back to their places.
 * @returns the target
 * @throws CodedError `invalid_request` if it is no target, `not_found` if it is not paused
 */
export async function endPause(db: Queryable, target: string): Promise<string> {
  const text = pauseTargetText(toTarget(target));
  const [ended] = await db.delete(pause).where(eq(pause.target, text)).returning({ target: pause.target });
  if (ended) return text;
  const there = (await listPauses(db)).map((each) => each.target).join(', ');
  throw new CodedError(
    'not_found',
    `${text.slice(0, 100)} is not paused; ${there === '' ? 'nothing is' : `paused: ${there.slice(0, 500)}`}`,
  );
}

function toTarget(text: string): PauseTarget {
  const target = readPauseTarget(text);
  if (target) return target;
  throw new CodedError('invalid_request', `target: ${TARGET_ALLOWED}`, {
    fields: [{ field: 'target', message: TARGET_ALLOWED }],
  });
}

async function checkTarget(db: Queryable, target: PauseTarget): Promise<void> {
  if (target.kind === 'user') {
    const [row] = await db.select({ id: user.id }).from(user).where(eq(user.id, target.userId));
    if (!row) throw new CodedError('not_found', `there is no user ${target.userId}`);
  }
  if (target.kind !== 'tier') return;
  const names = (await db.select({ name: tier.name }).from(tier)).map(({ name }) => name);
  if (names.includes(target.tier)) return;
  const near = nearest(target.tier, names);
  throw new CodedError(
    'not_found',
    `there is no tier ${target.tier.slice(0, 100)}; there are: ${names.toSorted().join(', ').slice(0, 500)}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
  );
}
