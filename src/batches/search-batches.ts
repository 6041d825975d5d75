import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import type { Batch, BatchResult, BatchStatus } from '../domain/batch.ts';
import { type Priority, priorityName } from '../domain/priority.ts';
import { CodedError } from '../kernel/errors.ts';

/** How many items of a batch are open, and how the others ended. */
export type ItemCounts = Pick<Batch['items'], 'total' | 'open' | 'completed' | 'failed' | 'cancelled' | 'skipped'>;

/** A batch in a list over all tenants. */
export interface ListedBatch {
  id: string;
  status: BatchStatus;
  result: BatchResult;
  userId: string;
  email: string;
  items: ItemCounts;
  filename: string | null;
  /** what its items print: `invoice@7` */
  templates: string[];
  errorCode: string | null;
  createdAt: Date;
  completedAt: Date | null;
}

/** A batch as an operator sees it. */
export interface OperatorBatch extends ListedBatch, Pick<Batch, 'skippedRows' | 'metadata' | 'job'> {
  tier: string;
  priority: Priority;
  requestId: string | null;
  errorMessage: string | null;
  /** items that ended in the last {@link RATE_SECONDS}; as many at most as are counted */
  endedLately: number;
  /** by the database's clock, like the other times */
  now: Date;
}

interface SearchInput {
  status?: BatchStatus | undefined;
  userId?: string | undefined;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** Seconds for which a batch's rate is measured. */
export const RATE_SECONDS = 60;
/** Items that are counted for it, so that the page of a fast batch costs no more. */
const MOST_ENDED = 5_000;
/** Batches of a status, unless they are open, are searched in windows of so many, newest first. */
const WINDOW = 2_000;

const literal = (number: number) => sql.raw(String(Math.trunc(number)));

const COLUMNS = sql`b.id, b.status, b.result, b.user_id as "userId", u.email, b.filename, b.error_code as "errorCode",
  coalesce(to_json(b.templates), '[]') as templates, b.created_at as "createdAt", b.completed_at as "completedAt", (
    select json_build_object('total', b.total, 'skipped', b.skipped, 'open', coalesce(sum(c.open), 0),
      'completed', coalesce(sum(c.completed), 0), 'failed', coalesce(sum(c.failed), 0), 'cancelled', coalesce(sum(c.cancelled), 0))
    from pdfprompt_batch_count c where c.batch_id = b.id) as items`;

type Row<B> = Omit<B, 'createdAt' | 'completedAt'> & { createdAt: string; completedAt: string | null };

/** A page of the batches of all tenants, or of one, newest first. */
export async function searchBatches(
  db: Queryable,
  { status, userId, limit, cursor }: SearchInput,
): Promise<{ batches: ListedBatch[]; next: string | null }> {
  const isOpen = status === 'processing' || status === 'closing';
  const which = sql`${userId === undefined ? sql`true` : sql`user_id = ${userId}`}
    and ${cursor === undefined ? sql`true` : sql`id < ${cursor}`} ${isOpen ? sql`and completed_at is null` : sql``}`;
  const rows = await db.execute<Row<ListedBatch>>(sql`
    with page as materialized (
      select id, row_number() over () as place from (${pageOf(which, { status, limit: limit + 1 })}) as found)
    select found.* from page, lateral (
      select ${COLUMNS} from pdfprompt_batch b join pdfprompt_user u on u.id = b.user_id where b.id = page.id limit 1
    ) as found order by page.place`);
  const batches = rows.slice(0, limit).map(withTimes);
  if (rows.length > limit) return { batches, next: batches.at(-1)?.id ?? null };
  return { batches, next: status === undefined ? null : await endOfWindow(db, which) };
}

function pageOf(which: SQL, { status, limit }: { status: BatchStatus | undefined; limit: number }): SQL {
  if (status === undefined)
    return sql`select id from pdfprompt_batch where ${which} order by id desc limit ${literal(limit)}`;
  return sql`select id from (select id, status from pdfprompt_batch where ${which} order by id desc limit ${literal(WINDOW)}) as newest
    where status = ${status} order by id desc limit ${literal(limit)}`;
}

/** The last batch of a window that had too few for a page; null: it was the last window. */
async function endOfWindow(db: Queryable, which: SQL): Promise<string | null> {
  const [last] = await db.execute<{ id: string }>(
    sql`select id from pdfprompt_batch where ${which} order by id desc offset ${literal(WINDOW - 1)} limit 1`,
  );
  return last?.id ?? null;
}

/** A batch of any tenant. @throws CodedError `not_found` */
export async function findBatch(db: Queryable, id: string): Promise<OperatorBatch> {
  type Found = Row<Omit<OperatorBatch, 'now' | 'priority'>> & { now: string; priority: number };
  const [row] = isUuid(id)
    ? await db.execute<Found>(sql`
        select ${COLUMNS}, b.tier, b.priority, b.request_id as "requestId", b.error_message as "errorMessage", b.metadata,
          b.skipped_rows as "skippedRows", to_json(now()) as now,
          (select j.id from pdfprompt_job j where j.batch_id = b.id and j.batch_row is null) as job, (
            select count(*)::integer from (
              select from pdfprompt_job j where j.user_id = b.user_id and j.batch_id = b.id and j.batch_row is not null
                and j.completed_at > now() - ${literal(RATE_SECONDS)} * interval '1 second' limit ${literal(MOST_ENDED)}
            ) as lately where b.completed_at is null) as "endedLately"
        from pdfprompt_batch b join pdfprompt_user u on u.id = b.user_id where b.id = ${id}`)
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such batch');
  return { ...withTimes(row), priority: priorityName(row.priority), now: new Date(row.now) };
}

/** Whose a batch is. @returns undefined if there is no such batch */
export async function findBatchOwner(db: Queryable, id: string): Promise<{ userId: string } | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await db.execute<{ user_id: string }>(sql`select user_id from pdfprompt_batch where id = ${id}`);
  return row && { userId: row.user_id };
}

function withTimes<R extends Row<object>>(row: R) {
  return {
    ...row,
    createdAt: new Date(row.createdAt),
    completedAt: row.completedAt === null ? null : new Date(row.completedAt),
  };
}
