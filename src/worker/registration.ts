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
 *
 * A session that is cut frees the lock too. Until there is another one the worker says by its pool that
 * it is cut off but alive: it ends what it has, and claims nothing.
 */
export class Registration extends Lifecycle {
  /** whether its session is there, without which it claims nothing */
  readonly condition = new Condition('registration', 'not registered yet');
  readonly #options: RegistrationOptions;
  readonly #session: Session;
  #workerId: string | undefined;
  #cutOff: NodeJS.Timeout | undefined;

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
      onLost: () => this.#lost(),
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
    clearInterval(this.#cutOff);
    // If the database is away the others find out by themselves.
    await new Deadline(LEAVE_TIMEOUT_MS).race('leaving', this.#leave()).catch(() => undefined);
    await this.#session.stop();
    clearInterval(this.#cutOff); // it may have been lost meanwhile
  }

  async #leave(): Promise<void> {
    const { db, queue, events } = this.#options;
    for (const job of await requeueUnknownJobs({ db, queue }, { workerId: this.workerId, known: [] }))
      events.jobRequeued(job, 'interrupted');
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
    } else {
      const [row] = await client<{ is_locked: boolean }[]>`
        update pdfprompt_worker set seen_at = now(), cut_off_at = null where id = ${this.#workerId} and ended_at is null
        returning pg_try_advisory_lock(${WORKER_LOCK}, number) as is_locked`;
      if (!row) await this.#return(client);
      else if (!row.is_locked) await this.#takeAnotherLock(client);
    }
    this.#held();
  }

  /** The session before this one may hold the old lock for hours: the server has not heard of its end. */
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
    if (isBack) this.#options.events.workerSessionBack({ workerId: this.workerId });
  }

  /** Told at each attempt that fails. */
  #lost(): void {
    if (this.#cutOff) return;
    const { events } = this.#options;
    this.condition.set("the worker's session is lost");
    events.workerSessionLost({ workerId: this.workerId });
    const say = () => void this.#sayCutOff().catch(() => undefined); // the database watch says so too
    this.#cutOff = setInterval(say, BEAT_MS);
    say();
  }

  /** A sign of life beside the session. */
  async #sayCutOff(): Promise<void> {
    await this.#options.db
      .update(worker)
      .set({ seenAt: sql`now()`, cutOffAt: sql`coalesce(${worker.cutOffAt}, now())` })
      .where(and(eq(worker.id, this.workerId), isNull(worker.endedAt)));
  }

  async #beat(client: Client): Promise<void> {
    const rows = await client`
      update pdfprompt_worker set seen_at = now(), cut_off_at = null where id = ${this.workerId} and ended_at is null
      returning 1`;
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
