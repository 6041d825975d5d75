import { hostname } from 'node:os';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Client } from '../db/driver.ts';
import type { Database } from '../db/pools.ts';
import { worker } from '../db/schema.ts';
import { Session } from '../db/session.ts';
import { returnUnknownJobs } from '../jobs/lose.ts';
import { Deadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';

/** The first key of every worker's advisory lock; the second is the worker's number. */
export const WORKER_LOCK = 7_233_703;
/** Milliseconds between two signs of life. */
const BEAT_MS = 2_000;
const LEAVE_TIMEOUT_MS = 1_000;

interface RegistrationOptions {
  db: Database;
  queue: JobQueue;
  url: string;
  connectTimeoutMs: number;
  concurrency: number;
  events: Events;
}

/**
 * This worker in the table of workers, alive for as long as one session of its own holds an advisory
 * lock: Postgres gives that back the moment the process dies. A process that is merely stopped keeps
 * its lock, so it also has to be seen now and then.
 */
export class Registration extends Lifecycle {
  readonly #options: RegistrationOptions;
  readonly #session: Session;
  #workerId: string | undefined;

  constructor(options: RegistrationOptions) {
    super();
    this.#options = options;
    this.#session = new Session({
      url: options.url,
      applicationName: 'pdfprompt worker',
      connectTimeoutMs: options.connectTimeoutMs,
      beatMs: BEAT_MS,
      open: (client) => this.#enter(client),
      beat: (client) => this.#beat(client),
    });
  }

  /** Changes when this worker was taken for dead and has registered again. */
  get workerId(): string {
    if (this.#workerId === undefined) throw new Error('the worker is not registered');
    return this.#workerId;
  }

  /** Milliseconds since this worker's lock was last free: 0 while it is, Infinity if it never was. */
  get heldMs(): number {
    return this.#session.heldMs;
  }

  protected async onStart(): Promise<void> {
    this.#workerId = undefined;
    await this.#session.start();
  }

  protected async onStop(): Promise<void> {
    // If the database is away the others find out by themselves.
    await new Deadline(LEAVE_TIMEOUT_MS).race('leaving', this.#leave()).catch(() => undefined);
    await this.#session.stop();
  }

  async #leave(): Promise<void> {
    const { db, queue, events } = this.#options;
    for (const job of await returnUnknownJobs({ db, queue }, { workerId: this.workerId, known: [] }))
      events.jobReturned(job);
    await db
      .update(worker)
      .set({ endedAt: sql`now()` })
      .where(and(eq(worker.id, this.workerId), isNull(worker.endedAt)));
    events.workerLeft({ workerId: this.workerId });
  }

  /** With a new connection: takes the lock again, or registers if there is none to take. */
  async #enter(client: Client): Promise<void> {
    const { concurrency, events } = this.#options;
    if (this.#workerId === undefined) {
      await this.#register(client);
      events.workerRegistered({ workerId: this.workerId, concurrency });
      return;
    }
    const [row] = await client<{ is_locked: boolean }[]>`
      update pdfprompt_worker set seen_at = now() where id = ${this.#workerId} and ended_at is null
      returning pg_try_advisory_lock(${WORKER_LOCK}, number) as is_locked`;
    if (!row) await this.#return(client);
    else if (!row.is_locked) throw new Error('the session before this one is still ending, with our lock');
  }

  async #beat(client: Client): Promise<void> {
    const rows = await client`
      update pdfprompt_worker set seen_at = now() where id = ${this.workerId} and ended_at is null returning 1`;
    if (rows.length === 0) await this.#return(client);
  }

  /** After this worker was taken for dead, and its jobs were given to others. */
  async #return(client: Client): Promise<void> {
    await this.#register(client);
    this.#options.events.workerReturned({ workerId: this.workerId });
  }

  async #register(client: Client): Promise<void> {
    const id = uuidv7();
    await client`
      with worker as (
        insert into pdfprompt_worker (id, host, pid, concurrency)
        values (${id}, ${hostname()}, ${process.pid}, ${this.#options.concurrency}) returning number
      )
      select pg_advisory_lock(${WORKER_LOCK}, number) from worker`;
    this.#workerId = id;
  }
}
