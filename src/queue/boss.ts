import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import { type Db, fromDrizzle, PgBoss } from 'pg-boss';
import { arrayLiteral } from '../db/array-literal.ts';
import { type Database, openPool, type Queryable } from '../db/pools.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { createEnqueue, ENQUEUE, hasEnqueue, QUEUE } from './enqueue.ts';

/** Attempts of a job, the first included, if it fails by a fault of ours. Counted in the job's row. */
export const MAX_ATTEMPTS = 3;

/** After so many workers were lost with a job, the job counts as the cause. */
export const MAX_LOSSES = 3;

/** A claimed job. The queue raises `retryCount` when it requeues the job: this claim is stale then, and settling it affects nothing. */
export interface Claim {
  id: string;
  retryCount: number;
}

/**
 * Waiting or claimed. The state as text: otherwise Postgres may look through all such jobs instead of taking the primary
 * key, namely if few were waiting when it last looked, and a batch was accepted since then.
 */
const IS_OPEN = sql.raw("state::text in ('created', 'retry', 'active')");

interface JobQueueOptions {
  db: Database;
  /** whether this process cleans up expired claims and old rows, as workers do */
  supervise: boolean;
  onError: (error: Error) => void;
}

/** The part of pg-boss that we use. Calls can take part in the caller's transaction. The queue holds only the ids of jobs. */
export class JobQueue extends Lifecycle {
  readonly #boss: PgBoss;

  constructor({ db, supervise, onError }: JobQueueOptions) {
    super();
    this.#boss = new PgBoss({ db: executor(db), ...bossOptions({ migrate: false, supervise }) });
    this.#boss.on('error', onError);
  }

  protected async onStart(): Promise<void> {
    await this.#boss.start();
  }

  protected override async onStop(): Promise<void> {
    // Not graceful: pg-boss would fail open claims, which the dispatcher has settled or requeued already.
    await waitBriefly(this.#boss.stop({ graceful: false }));
  }

  async claim(tx: Queryable, count: number): Promise<Claim[]> {
    return this.claimWith(count, (claims) =>
      tx.execute<{ id: string; retryCount: number }>(
        sql`with claims as (${sql.raw(claims)}) select id, "retryCount" from claims`,
      ),
    );
  }

  /**
   * Claims jobs, and does more in the same statement.
   * @param run gets a query that claims them, for one common table expression; its columns are those of {@link Claim}.
   *   It is always the same for as many jobs.
   * @returns the rows of the statement
   */
  async claimWith<Row extends object>(count: number, run: (claims: string) => Promise<Row[]>): Promise<Row[]> {
    // pg-boss says what to run, and gets what came of it.
    const executeSql: Db['executeSql'] = async (text, values = []) => {
      if (values.length > 0) throw new Error('pg-boss claims in another way than was expected');
      return { rows: await run(text) };
    };
    return (await this.#boss.fetch(QUEUE, { batchSize: count, includeMetadata: true, db: { executeSql } })) as Row[];
  }

  /**
   * The claim's time begins anew. pg-boss's own `touch` does not do that: it is for a time limit beside the claim's.
   * @returns false if the claim was stale
   */
  async renew(tx: Queryable, { id, retryCount }: Claim): Promise<boolean> {
    // The state as text: otherwise Postgres may look through all active jobs instead of taking the primary key.
    const rows = await tx.execute(sql`
      update pgboss.job set started_on = now()
      where name = ${sql.raw(`'${QUEUE}'`)} and id = ${id} and state::text = 'active' and retry_count = ${retryCount}
      returning 1`);
    return rows.length === 1;
  }

  /** @returns false if the claim was stale */
  async complete(tx: Queryable, claim: Claim): Promise<boolean> {
    return affectedOne(await this.#boss.complete(QUEUE, claim, null, { db: executor(tx) }));
  }

  /** Requeues the job, after a pause that grows. @returns false if the claim was stale */
  async retryLater(tx: Queryable, claim: Claim): Promise<boolean> {
    return affectedOne(await this.#boss.fail(QUEUE, claim, null, { db: executor(tx) }));
  }

  /** Requeues the job of a lost worker, whatever its claim. */
  async release(tx: Queryable, id: string): Promise<void> {
    await tx.execute(sql`${backInQueue(id)} and (${IS_OPEN} or state::text = 'cancelled')`);
  }

  /** Requeues the job at once, without counting an attempt. @returns false if the claim was stale */
  async requeue(tx: Queryable, { id, retryCount }: Claim): Promise<boolean> {
    const rows = await tx.execute(sql`
      ${backInQueue(id)} and state::text = 'active' and retry_count = ${retryCount} returning 1`);
    return rows.length === 1;
  }

  /** An SQL expression: whether the queue has the job, waiting or claimed. Looked up job by job: a join may read all that wait. */
  has(id: SQL): SQL {
    return sql`coalesce((select true from pgboss.job where name = ${sql.raw(`'${QUEUE}'`)} and id = ${id} and ${IS_OPEN}), false)`;
  }

  /**
   * Requeues jobs that the queue has lost, or takes for ended.
   * @param ids of those jobs
   * @param jobs a query for their `id`, `priority` and `seconds`, after which a claim expires
   */
  async restore(tx: Queryable, ids: string[], jobs: SQL): Promise<void> {
    await this.forget(tx, ids);
    await tx.execute(sql`select pdfprompt_enqueue(id, priority, seconds) from (${jobs}) as jobs`);
  }

  /** Deletes the jobs from the queue, whatever their state. Not by pg-boss's `deleteJob`, as {@link cancel}. */
  async forget(tx: Queryable, ids: string[]): Promise<void> {
    await tx.execute(sql`
      delete from pgboss.job where name = ${sql.raw(`'${QUEUE}'`)} and id = any (${arrayLiteral(ids)}::uuid[])`);
  }

  /** Deletes those that nobody has in hand, and waits for none, as {@link cancel}. */
  async forgetFree(tx: Queryable, ids: string[]): Promise<void> {
    await tx.execute(sql`
      with own as materialized (
        select id from pgboss.job
        where name = ${sql.raw(`'${QUEUE}'`)} and id = any (${arrayLiteral(ids)}::uuid[]) and ${IS_OPEN}
        order by id for update skip locked
      )
      delete from pgboss.job where name = ${sql.raw(`'${QUEUE}'`)} and id = any (array(select id from own))`);
  }

  /** Deletes what ended long ago, which each process that supervises also does every few minutes. */
  async maintain(): Promise<void> {
    await this.#boss.supervise(QUEUE);
  }

  /**
   * Removes jobs that have ended in this transaction from the queue, claimed or not. Places that others have in hand stay,
   * as to wait would be a deadlock: a claim waits for the job's row then, finds that it has ended, and removes it itself.
   * What becomes of the rows is as by pg-boss's `cancel`, which counts nothing but the rows of its answer; but its
   * statement, which does not know the queue when it is planned, may look through all jobs that wait.
   */
  async cancel(tx: Queryable, ids: string[]): Promise<void> {
    await tx.execute(sql`
      with own as materialized (
        select id from pgboss.job
        where name = ${sql.raw(`'${QUEUE}'`)} and id = any (${arrayLiteral(ids)}::uuid[]) and ${IS_OPEN}
        order by id for update skip locked
      )
      update pgboss.job set completed_on = pgboss.job_now(), state = 'cancelled'
      where name = ${sql.raw(`'${QUEUE}'`)} and id = any (array(select id from own))`);
  }
}

/**
 * What {@link JobQueue.complete} does as a statement, to be a part of another: an update to which more conditions and
 * `returning` may be added.
 * @param id an expression; null: nothing is changed
 */
export const completion = (id: SQL, retryCount: number | Placeholder) => sql`
  update pgboss.job set completed_on = pgboss.job_now(), state = 'completed', output = null
  where name = ${sql.raw(`'${QUEUE}'`)} and id = ${id} and state::text = 'active' and retry_count = ${retryCount}`;

/**
 * As pg-boss's `cancel` and then `resume`, which may look through all jobs that wait. More conditions may follow.
 */
const backInQueue = (id: string) => sql`
  update pgboss.job set state = 'created', completed_on = null, upsert_by_key = null,
    start_after = greatest(start_after, pgboss.job_now())
  where name = ${sql.raw(`'${QUEUE}'`)} and id = ${id}`;

/** pg-boss returns the number of changed rows, but its types do not say so. */
function affectedOne(response: object): boolean {
  return 'affected' in response && response.affected === 1;
}

interface InstallOptions {
  url: string;
  connectTimeoutMs: number;
  /** only look */
  check: boolean;
}

/** Creates or updates pg-boss's tables, our queue, and the function that puts jobs into it. @returns what was missing */
export async function installQueue({ url, connectTimeoutMs, check }: InstallOptions): Promise<string[]> {
  const pool = openPool({
    url,
    connectTimeoutMs,
    max: 1,
    applicationName: 'pdfprompt migrate',
    idleTimeoutMs: 5_000,
    prepare: false,
  });
  try {
    const isUpToDate = await hasQueue(pool.db);
    if (!isUpToDate && !check) await createQueue(url, connectTimeoutMs);
    const canEnqueue = isUpToDate && (await hasEnqueue(pool.db));
    if (!canEnqueue && !check) await createEnqueue(pool.db);
    return [...(isUpToDate ? [] : [`pgboss schema ${EXPECTED_VERSION}`]), ...(canEnqueue ? [] : [ENQUEUE])];
  } finally {
    await pool.close();
  }
}

/** With pg-boss's own driver: its migrations contain BEGIN. */
async function createQueue(url: string, connectTimeoutMs: number): Promise<void> {
  const boss = new PgBoss({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    max: 1,
    ...bossOptions({ migrate: true, supervise: false }),
  });
  boss.on('error', () => undefined); // every call rejects with the same error
  try {
    await boss.start();
    if ((await boss.getQueue(QUEUE)) === null) await boss.createQueue(QUEUE, QUEUE_OPTIONS);
    await keepSmall(boss);
  } finally {
    await boss.stop({ graceful: false });
  }
}

/** Each row of the queue's table is changed twice and deleted after an hour, so the table needs a frequent vacuum. */
async function keepSmall(boss: PgBoss): Promise<void> {
  const db = boss.getDb();
  const { rows } = await db.executeSql('select table_name from pgboss.queue where name = $1', [QUEUE]);
  const { table_name: table } = rows[0] as { table_name: string };
  const settings =
    'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.02';
  await db.executeSql(`alter table pgboss.${table} set (${settings})`);
}

async function hasQueue(db: Database): Promise<boolean> {
  const [table] = await db.execute(sql`select 1 from pg_tables where schemaname = 'pgboss' and tablename = 'queue'`);
  if (!table) return false;
  const [row] = await db.execute<{ version: number }>(
    sql`select version from pgboss.version where exists (select 1 from pgboss.queue where name = ${QUEUE})`,
  );
  return row !== undefined && row.version >= EXPECTED_VERSION;
}

/** The schema of the pinned pg-boss version. A test compares it with what pg-boss installs. */
const EXPECTED_VERSION = 46;

const QUEUE_OPTIONS = {
  // A table of its own: in the shared one a burst before the first ANALYZE makes every fetch 100 times slower.
  partition: true,
  retryLimit: 1_000, // the job's row decides: the queue never drops a job by itself
  retryDelay: 1,
  retryBackoff: true,
  deleteAfterSeconds: 3_600,
  retentionSeconds: 30 * 86_400,
} as const;

function bossOptions({ migrate, supervise }: { migrate: boolean; supervise: boolean }) {
  return {
    schema: 'pgboss',
    migrate,
    createSchema: migrate,
    supervise,
    schedule: false,
    maintenanceIntervalSeconds: 300,
  };
}

/**
 * Runs pg-boss on our own connections. drizzle switches off the driver's serializers for JSON and dates, so both are
 * converted to text here. Otherwise `complete(output)` and `fail()` crash.
 */
function executor(db: Queryable): Db {
  return {
    executeSql: (text, values) => {
      const [, whole] = WHOLE_TRANSACTION.exec(text) ?? [];
      if (whole !== undefined) return db.transaction((tx) => fromDrizzle(tx, sql).executeSql(whole));
      return fromDrizzle(db, sql).executeSql(text, values?.map(asText));
    },
  };
}

/** The maintenance of pg-boss contains BEGIN, which the driver refuses on a pool: after a failure the transaction would stay open. */
const WHOLE_TRANSACTION = /^\s*BEGIN;(.*)COMMIT;\s*$/s;

function asText(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  const isPlainObject =
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlainObject ? JSON.stringify(value) : value;
}
