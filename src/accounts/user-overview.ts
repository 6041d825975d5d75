import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import { firstIdAt } from '../domain/id-prefix.ts';
import { JOB_STATUSES, type JobStatus } from '../domain/job.ts';
import type { Tier } from '../domain/tier.ts';
import { listTiers } from './tiers.ts';

/** What a user has, each counted up to {@link MOST_COUNTED}. */
const BELONGINGS = ['keys', 'batches', 'schedules', 'webhooks', 'templates', 'sessions'] as const;
type Belonging = (typeof BELONGINGS)[number];

/** What an operator sees of one user beside the account itself. */
export interface UserOverview {
  /** the tier they are on; undefined without a subscription */
  tier: Tier | undefined;
  /** every tier there is */
  tiers: Tier[];
  /** jobs by status that were accepted on this UTC day, and in the last seven; {@link MOST_COUNTED} may be more */
  jobs: { status: JobStatus; today: number; week: number }[];
  belongings: Record<Belonging, number>;
}

/** Rows that are counted at most, so that a large user costs no more. */
export const MOST_COUNTED = 1_000;

const DAY_MS = 86_400_000;

export async function readUserOverview(
  db: Queryable,
  user: { id: string; tier: string | null },
  now = Date.now(),
): Promise<UserOverview> {
  const today = now - (now % DAY_MS);
  const [tiers, jobs, [row]] = await Promise.all([
    listTiers(db),
    db.execute<UserOverview['jobs'][number] & Record<string, unknown>>(sql`
      select s.status, ${since(user.id, today)} as today, ${since(user.id, today - 6 * DAY_MS)} as week
      from unnest(${arrayLiteral(JOB_STATUSES)}::text[]) with ordinality as s (status, place) order by s.place`),
    db.execute<Record<Belonging, number> & Record<string, unknown>>(sql`
      select
        ${of(user.id, sql`pdfprompt_api_key`, sql`revoked_at is null and (expires_at is null or expires_at > now())`)} as keys,
        ${of(user.id, sql`pdfprompt_batch`)} as batches,
        ${of(user.id, sql`pdfprompt_schedule`)} as schedules,
        ${of(user.id, sql`pdfprompt_webhook`, sql`deleted_at is null`)} as webhooks,
        ${of(user.id, sql`pdfprompt_template`, sql`latest > 0`)} as templates,
        ${of(user.id, sql`pdfprompt_console_session`, sql`expires_at > now()`)} as sessions`),
  ]);
  if (!row) throw new Error('the database returned no row for a query that always has one');
  return { tier: tiers.find(({ name }) => name === user.tier), tiers, jobs: [...jobs], belongings: row };
}

const counted = (rows: SQL) =>
  sql`(select count(*)::integer from (${rows} limit ${sql.raw(String(MOST_COUNTED))}) as counted)`;

const of = (userId: string, table: SQL, condition = sql`true`) =>
  counted(sql`select 1 from ${table} where user_id = ${userId}::uuid and ${condition}`);

/** Jobs of the status `s.status` that were accepted since then. An id begins with that time (UUIDv7). */
const since = (userId: string, ms: number) =>
  counted(sql`
    select 1 from pdfprompt_job j
    where j.user_id = ${userId}::uuid and j.status = s.status and j.id >= ${firstIdAt(ms)}::uuid`);
