import { type SQL, sql } from 'drizzle-orm';
import { type Db, fromDrizzle, PgBoss } from 'pg-boss';
import { type Database, openPool, type Queryable } from '../db/pools.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';

const QUEUE = 'pdf';

/** Tries in all: the first and two more, for faults that are ours. Counted in the job's row. */
export const MAX_ATTEMPTS = 3;

/** Workers in all that may be lost with a job before the job is taken for the cause. */
export const MAX_LOSSES = 3;

/** A claimed job. `retryCount` fences it: once the queue has handed the job on, settling this claim affects nothing. */
export interface Claim {
  id: string;
  retryCount: number;
}

interface JobQueueOptions {
  db: Database;
  /** Whether this process keeps the queue clean (expired claims, old rows): workers do. */
  supervise: boolean;
  onError: (error: Error) => void;
}

/** pg-boss, reduced to what we need: every call can take part in the caller's transaction. Holds ids only. */
export class JobQueue extends Lifecycle {
  readonly #boss: PgBoss;
  #insertion: [before: string, after: string] | undefined;

  constructor({ db, supervise, onError }: JobQueueOptions) {
    super();
    this.#boss = new PgBoss({ db: executor(db), ...bossOptions({ migrate: false, supervise }) });
    this.#boss.on('error', onError);
  }

  protected async onStart(): Promise<void> {
    await this.#boss.start();
  }

  protected async onStop(): Promise<void> {
    // Claims are settled or given back by us before this; pg-boss would fail what it still holds.
    await waitBriefly(this.#boss.stop({ graceful: false }));
  }

  /**
   * What puts jobs into the queue, as a part of the caller's statement, so that a job and its place in
   * the queue are one statement: each further one is a trip to the database and back. It returns `id`.
   * @param jobs a query for `id`, `priority` and `"expireInSeconds"`, how long a claim may last before
   *   the queue takes the job for lost
   */
  async enqueueing(jobs: SQL): Promise<SQL> {
    this.#insertion ??= await this.#readInsertion();
    const [before, after] = this.#insertion;
    return sql`${sql.raw(before)} (select json_agg(job) from (${jobs}) as job) ${sql.raw(after)}`;
  }

  /** pg-boss's own statement, as it would send it. */
  async #readInsertion(): Promise<[before: string, after: string]> {
    let statement = '';
    const executeSql = async (text: string) => {
      statement = text;
      return { rows: [{ id: null }] };
    };
    await this.#boss.send(QUEUE, null, { db: { executeSql } });
    const [before, after, ...more] = statement.split(/\$\d+(?:::text::json)?/);
    if (before === undefined || after === undefined || more.length > 0)
      throw new Error(`pg-boss inserts jobs in another way than was expected: ${statement}`);
    return [before, after];
  }

  async claim(tx: Queryable, count: number): Promise<Claim[]> {
    const jobs = await this.#boss.fetch(QUEUE, { batchSize: count, includeMetadata: true, db: executor(tx) });
    return jobs.map(({ id, retryCount }) => ({ id, retryCount }));
  }

  /** @returns false if the claim was no longer ours */
  async complete(tx: Queryable, claim: Claim): Promise<boolean> {
    return affectedOne(await this.#boss.complete(QUEUE, claim, null, { db: executor(tx) }));
  }

  /** Gives the job back, to be tried again after a growing pause. @returns false if the claim was no longer ours */
  async retryLater(tx: Queryable, claim: Claim): Promise<boolean> {
    return affectedOne(await this.#boss.fail(QUEUE, claim, null, { db: executor(tx) }));
  }

  /** Gives the job of a lost worker back, whichever claim it is under. */
  async release(tx: Queryable, id: string): Promise<void> {
    const db = executor(tx);
    await this.#boss.cancel(QUEUE, id, { db });
    await this.#boss.resume(QUEUE, id, { db });
  }

  /** Gives the job back at once and without counting a try. @returns false if the claim was no longer ours */
  async requeue(tx: Queryable, claim: Claim): Promise<boolean> {
    const db = executor(tx);
    return (
      affectedOne(await this.#boss.cancel(QUEUE, claim, { db })) &&
      affectedOne(await this.#boss.resume(QUEUE, claim.id, { db }))
    );
  }

  /** Whether the queue has the job, waiting or claimed, as an expression. */
  has(id: SQL): SQL {
    return sql`exists (select 1 from pgboss.job where name = ${sql.raw(`'${QUEUE}'`)} and id = ${id} and state < 'completed')`;
  }

  /**
   * Puts jobs back of which the queue knows nothing any more, or that they have ended.
   * @param ids of those jobs
   * @param jobs the same, as for {@link enqueueing}
   */
  async restore(tx: Queryable, ids: string[], jobs: SQL): Promise<void> {
    await this.forget(tx, ids);
    await tx.execute(await this.enqueueing(jobs));
  }

  /** Deletes all that the queue knows of the jobs, whatever has become of them. */
  async forget(tx: Queryable, ids: string[]): Promise<void> {
    await this.#boss.deleteJob(QUEUE, ids, { db: executor(tx) });
  }

  /** Deletes what ended long ago; otherwise done every few minutes by each process that supervises. */
  async maintain(): Promise<void> {
    await this.#boss.supervise(QUEUE);
  }

  /** Takes the job out of the queue, claimed or not. */
  async cancel(tx: Queryable, id: string): Promise<void> {
    await this.#boss.cancel(QUEUE, id, { db: executor(tx) });
  }
}

/** pg-boss counts the rows it changed, but leaves that out of its types. */
function affectedOne(response: object): boolean {
  return 'affected' in response && response.affected === 1;
}

interface InstallOptions {
  url: string;
  connectTimeoutMs: number;
  /** only look */
  check: boolean;
}

/** Creates or updates pg-boss's tables and our queue. @returns what was missing */
export async function installQueue({ url, connectTimeoutMs, check }: InstallOptions): Promise<string[]> {
  const isUpToDate = await isInstalled(url, connectTimeoutMs);
  if (isUpToDate) return [];
  if (!check) {
    // Through its own driver: its migrations bring their own BEGIN.
    const boss = new PgBoss({
      connectionString: url,
      connectionTimeoutMillis: connectTimeoutMs,
      max: 1,
      ...bossOptions({ migrate: true, supervise: false }),
    });
    boss.on('error', () => undefined); // every call rejects with the same
    try {
      await boss.start();
      if ((await boss.getQueue(QUEUE)) === null) await boss.createQueue(QUEUE, QUEUE_OPTIONS);
      await keepSmall(boss);
    } finally {
      await boss.stop({ graceful: false });
    }
  }
  return [`pgboss schema ${EXPECTED_VERSION}`];
}

/** Every row of the queue's table is changed twice and deleted after an hour: it is cleaned as often. */
async function keepSmall(boss: PgBoss): Promise<void> {
  const db = boss.getDb();
  const { rows } = await db.executeSql('select table_name from pgboss.queue where name = $1', [QUEUE]);
  const { table_name: table } = rows[0] as { table_name: string };
  const settings =
    'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.02';
  await db.executeSql(`alter table pgboss.${table} set (${settings})`);
}

async function isInstalled(url: string, connectTimeoutMs: number): Promise<boolean> {
  const pool = openPool({
    url,
    connectTimeoutMs,
    max: 1,
    applicationName: 'pdfprompt migrate',
    idleTimeoutMs: 5_000,
    prepare: false,
  });
  try {
    const [table] = await pool.db.execute(
      sql`select 1 from pg_tables where schemaname = 'pgboss' and tablename = 'queue'`,
    );
    if (!table) return false;
    const [row] = await pool.db.execute<{ version: number }>(
      sql`select version from pgboss.version where exists (select 1 from pgboss.queue where name = ${QUEUE})`,
    );
    return row !== undefined && row.version >= EXPECTED_VERSION;
  } finally {
    await pool.close();
  }
}

/** The schema of the pinned pg-boss version; a test holds it against what it really installs. */
const EXPECTED_VERSION = 46;

const QUEUE_OPTIONS = {
  // A table of its own: in the shared one a burst before the first ANALYZE makes every fetch 100 times slower.
  partition: true,
  retryLimit: 1_000, // the job's row decides; the queue itself never drops a job
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
 * pg-boss on our own connections. drizzle turned the driver's serializers for JSON and dates off,
 * so both are made text here; otherwise `complete(output)` and `fail()` crash on them.
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

/** Maintenance brings its own BEGIN, which the driver refuses on a pool: a failure would leave it open for the next query. */
const WHOLE_TRANSACTION = /^\s*BEGIN;(.*)COMMIT;\s*$/s;

function asText(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  const isPlainObject =
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlainObject ? JSON.stringify(value) : value;
}
