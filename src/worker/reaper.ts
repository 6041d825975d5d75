import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../db/pools.ts';
import { worker } from '../db/schema.ts';
import { requeueLostJobs, requeueUnknownJobs } from '../jobs/lost-jobs.ts';
import { SILENCE_SECONDS } from '../jobs/queue-watch.ts';
import { retryAfterDeadlock } from '../jobs/retry-after-deadlock.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import { type Registration, WORKER_LOCK } from './registration.ts';

const INTERVAL_MS = 500;
/**
 * Milliseconds after our own session was lost, or the server started, in which no worker is marked lost. An outage
 * frees the locks of all workers at once, and those that live need a moment to take theirs again.
 */
const STARTUP_GRACE_MS = 5_000;

interface ReaperOptions {
  db: Database;
  queue: JobQueue;
  registration: Pick<Registration, 'heldMs' | 'workerId'>;
  events: Events;
}

interface DeadWorker extends Record<string, unknown> {
  id: string;
  /** it stopped in order, but could not requeue every job: nothing was lost */
  has_left: boolean;
}

/** Finds workers that died and requeues their jobs. Every worker has a reaper; the first one that finds a dead worker acts. */
export class Reaper extends Lifecycle<ReaperOptions> {
  #suspects = new Set<string>();

  protected async onStart(): Promise<void> {
    this.#suspects.clear();
    void this.repeat(INTERVAL_MS, () => this.#run());
  }

  async #run(): Promise<void> {
    const { registration, events } = this.options;
    try {
      const dead = registration.heldMs < STARTUP_GRACE_MS ? [] : await this.#findDead();
      // Found in two runs: a worker whose session was only cut takes its lock again in between.
      const certain = dead.filter(({ id }) => this.#suspects.has(id));
      this.#suspects = new Set(dead.map(({ id }) => id));
      await Promise.all(certain.map((each) => this.#handOn(each)));
    } catch (error) {
      this.#suspects.clear();
      events.backgroundFailed('looking for lost workers', error);
    }
  }

  /** One whose jobs somebody has locked keeps no others waiting. */
  async #handOn({ id, has_left: hasLeft }: DeadWorker): Promise<void> {
    try {
      await (hasLeft ? this.#requeueJobsOf(id) : this.#markLost(id));
    } catch (error) {
      this.options.events.backgroundFailed('handing on the jobs of a worker', error);
    }
  }

  async #findDead(): Promise<DeadWorker[]> {
    return this.options.db.execute<DeadWorker>(sql`
      select w.id, false as has_left from pdfprompt_worker w
      where w.ended_at is null and w.id <> ${this.options.registration.workerId}
        and now() - pg_postmaster_start_time() > ${STARTUP_GRACE_MS} * interval '1 millisecond'
        and (w.seen_at < now() - ${SILENCE_SECONDS} * interval '1 second'
          or w.cut_off_at is null and not exists (
            select 1 from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 2
              and l.database = (select oid from pg_database where datname = current_database())
              and l.classid::bigint = ${WORKER_LOCK} and l.objid::bigint = w.number))
      union
      -- ended, but has a job: it claimed one after it was marked lost, or could not requeue it at its end
      select w.id, not w.is_lost from pdfprompt_worker w join (
        -- The condition is the one of a small index of claimed jobs. The status is checked on what that returns.
        select worker_id from pdfprompt_job where worker_id is not null
        group by worker_id having bool_or(status = 'processing')
      ) as busy on busy.worker_id = w.id
      where w.ended_at is not null`);
  }

  async #requeueJobsOf(workerId: string): Promise<void> {
    for (const job of await retryAfterDeadlock(() => requeueUnknownJobs(this.options, { workerId, known: [] })))
      this.options.events.jobRequeued(job, 'interrupted');
  }

  async #markLost(workerId: string): Promise<void> {
    const { db, queue, events } = this.options;
    const end = async (tx: Transaction) => {
      const rows = await tx
        .update(worker)
        .set({ endedAt: sql`now()`, isLost: true })
        .where(and(eq(worker.id, workerId), isNull(worker.endedAt)))
        .returning({ id: worker.id });
      return { marked: rows.length, ...(await requeueLostJobs(tx, queue, workerId)) };
    };
    // Items of a batch that end in one transaction may be counted in an order in which somebody else waits for them.
    const { marked, requeued, poisoned } = await retryAfterDeadlock(() => db.transaction(end));
    const jobs = requeued.length + poisoned.length;
    if (marked + jobs > 0) events.workerLost({ workerId, jobs }); // otherwise another worker was first
    for (const job of requeued) events.jobRequeued(job, 'lost');
    for (const job of poisoned) events.jobPoisoned(job);
  }
}
