import { hostname } from 'node:os';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Client } from '../db/driver.ts';
import type { Database } from '../db/pools.ts';
import { worker } from '../db/schema.ts';
import { Session } from '../db/session.ts';
import { requeueUnknownJobs } from '../jobs/lost-jobs.ts';
import { Deadline } from '../kernel/deadline.ts';
import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';

/** The first key of every worker's advisory lock. The second is the worker's number. */
export const WORKER_LOCK = 7_233_703;
/** Milliseconds between two heartbeats. */
const BEAT_MS = 2_000;
const LEAVE_TIMEOUT_MS = 1_000;
const NOT_REGISTERED = 'not registered yet';

interface RegistrationOptions {
  db: Database;
  queue: JobQueue;
  url: string;
  connectTimeoutMs: number;
  concurrency: number;
  /** of this package: the release that the worker runs */
  version: string;
  events: Events;
}

/**
 * This worker's row in the table of workers. The worker counts as alive while a session of its own holds an advisory
 * lock, which Postgres frees the moment the process dies. A process that hangs keeps its lock, so it also has to
 * send heartbeats.
 *
 * A session that is cut frees the lock too. Until there is a new session the worker sends its heartbeats through the
 * pool, marked as cut off: it finishes the jobs that it has, and claims none.
 */
export class Registration extends Lifecycle<RegistrationOptions> {
  /** whether there is a session; without one the worker claims no job */
  readonly condition = new Condition('registration', NOT_REGISTERED);
  readonly #session: Session;
  #workerId: string | undefined;
  #cutOff: NodeJS.Timeout | undefined;

  constructor(options: RegistrationOptions) {
    super(options);
    this.#session = new Session({
      url: options.url,
      applicationName: 'pdfprompt worker',
      connectTimeoutMs: options.connectTimeoutMs,
      beatMs: BEAT_MS,
      open: (client) => this.#enter(client),
      beat: (client) => this.#beat(client),
      onLost: () => this.#lost(),
    });
  }

  /** Changes when this worker was marked lost and has registered again. */
  get workerId(): string {
    if (this.#workerId === undefined) throw new Error('the worker is not registered');
    return this.#workerId;
  }

  /** Milliseconds since this worker's lock was last free: 0 while it is free, Infinity if it never was. */
  get heldMs(): number {
    return this.#session.heldMs;
  }

  protected async onStart(): Promise<void> {
    this.#workerId = undefined;
    await this.#session.start();
  }

  protected override async onStop(): Promise<void> {
    this.condition.set(NOT_REGISTERED);
    clearInterval(this.#cutOff);
    // If the database is unavailable the reapers of other workers do the same later.
    await new Deadline(LEAVE_TIMEOUT_MS).race('leaving', this.#leave()).catch(() => undefined);
    await this.#session.stop();
    clearInterval(this.#cutOff); // the session may have been lost since
    this.#cutOff = undefined;
  }

  /**
   * The end is written first: a job whose result waits for a lock cannot be requeued before that is free, so the reapers
   * of other workers have to know that this one was not lost.
   */
  async #leave(): Promise<void> {
    const { db, queue, events } = this.options;
    await this.#writeEnd();
    for (const job of await requeueUnknownJobs({ db, queue }, { workerId: this.workerId, known: [] }))
      events.jobRequeued(job, 'interrupted');
    events.workerLeft({ workerId: this.workerId });
  }

  /** In two ways: results that wait may have every connection of the pool, and the session may be cut. */
  async #writeEnd(): Promise<void> {
    const throughSession = this.#session.run(
      (client) => client`update pdfprompt_worker set ended_at = now() where id = ${this.workerId} and ended_at is null`,
    );
    const throughPool = this.options.db
      .update(worker)
      .set({ endedAt: sql`now()` })
      .where(and(eq(worker.id, this.workerId), isNull(worker.endedAt)));
    await Promise.any([throughSession, throughPool]);
  }

  /** On a new connection: takes the lock again, or registers if there is no row. */
  async #enter(client: Client): Promise<void> {
    const { concurrency, events } = this.options;
    if (this.#workerId === undefined) {
      await this.#register(client);
      events.workerRegistered({ workerId: this.workerId, concurrency });
    } else {
      const [row] = await client<{ is_locked: boolean }[]>`
        update pdfprompt_worker set seen_at = now(), cut_off_at = null where id = ${this.#workerId} and ended_at is null
        returning pg_try_advisory_lock(${WORKER_LOCK}, number) as is_locked`;
      if (!row) await this.#registerAgain(client);
      else if (!row.is_locked) await this.#takeAnotherLock(client);
    }
    this.#held();
  }

  /** The previous session may hold the old lock for hours, if the server has not noticed its end. */
  async #takeAnotherLock(client: Client): Promise<void> {
    await client`
      update pdfprompt_worker set number = default where id = ${this.workerId} and ended_at is null
      returning pg_advisory_lock(${WORKER_LOCK}, number)`;
  }

  #held(): void {
    clearInterval(this.#cutOff);
    const isBack = this.#cutOff !== undefined;
    this.#cutOff = undefined;
    this.condition.set(undefined);
    if (isBack) this.options.events.workerSessionRestored({ workerId: this.workerId });
  }

  /** Called at each failed attempt to connect. */
  #lost(): void {
    if (this.#cutOff) return;
    const { events } = this.options;
    this.condition.set("the worker's session is lost");
    events.workerSessionLost({ workerId: this.workerId });
    const beat = () => void this.#beatCutOff().catch(() => undefined); // the database watch reports the same outage
    this.#cutOff = setInterval(beat, BEAT_MS);
    beat();
  }

  /** A heartbeat through the pool. */
  async #beatCutOff(): Promise<void> {
    await this.options.db
      .update(worker)
      .set({ seenAt: sql`now()`, cutOffAt: sql`coalesce(${worker.cutOffAt}, now())` })
      .where(and(eq(worker.id, this.workerId), isNull(worker.endedAt)));
  }

  async #beat(client: Client): Promise<void> {
    const rows = await client`
      update pdfprompt_worker set seen_at = now(), cut_off_at = null where id = ${this.workerId} and ended_at is null
      returning 1`;
    if (rows.length === 0) await this.#registerAgain(client);
  }

  /** After this worker was marked lost and its jobs were requeued. */
  async #registerAgain(client: Client): Promise<void> {
    if (this.ending.aborted) return; // it has left
    await this.#register(client);
    this.options.events.workerRegisteredAgain({ workerId: this.workerId });
  }

  async #register(client: Client): Promise<void> {
    const id = uuidv7();
    await client`
      with worker as (
        insert into pdfprompt_worker (id, host, pid, concurrency, version)
        values (${id}, ${hostname()}, ${process.pid}, ${this.options.concurrency}, ${this.options.version}) returning number
      )
      select pg_advisory_lock(${WORKER_LOCK}, number) from worker`;
    this.#workerId = id;
  }
}
