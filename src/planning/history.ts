import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { OperatorError } from '../kernel/errors.ts';
import { type Calibration, spreadOf } from './calibration.ts';
import { serviceCost } from './document-cost.ts';

/** So many of those that ended last are read, by the index of when they ended; those with a PDF count. */
const MOST_JOBS = 10_000;
/** Fewer say too little. */
const FEWEST_JOBS = 20;

/** A job that was completed. Milliseconds, of the database's clock. */
export interface PastJob {
  worker: string | null;
  startedAt: number;
  /** from the start until the PDF was there */
  serviceMs: number;
  pdfBytes: number;
}

/** @throws OperatorError if too few jobs were completed so far */
export async function calibrationFromHistory(db: Database): Promise<Calibration> {
  return calibrationOf(await readHistory(db), new Date());
}

async function readHistory(db: Database): Promise<PastJob[]> {
  const rows = await db.execute<{ worker: string | null; started: number; service: number; size: number }>(sql`
    select a.worker_id as worker, extract(epoch from j.started_at)::float * 1000 as started,
      (j.timings->>'total')::float - (j.timings->>'queued')::float as service, f.size::float as size
    from (
      select id, runs, started_at, timings from pdfprompt_job
      where completed_at is not null order by completed_at desc limit ${MOST_JOBS}
    ) j
    join pdfprompt_file f on f.job_id = j.id
    left join pdfprompt_job_attempt a on a.job_id = j.id and a.run = j.runs`);
  return rows.map(({ worker, started, service, size }) => ({
    worker,
    startedAt: started,
    serviceMs: Math.max(1, service),
    pdfBytes: size,
  }));
}

/**
 * All of its documents as one kind. Those that had their worker to themselves tell what a document takes; where
 * they are too few, all do, and the plan is on the safe side, for they waited for each other.
 */
export function calibrationOf(jobs: readonly PastJob[], now: Date): Calibration {
  if (jobs.length < FEWEST_JOBS)
    throw new OperatorError(
      `--from-database: there are ${jobs.length} completed jobs, and ${FEWEST_JOBS} at least are needed. Type: pdfprompt plan --calibrate`,
    );
  const company = companyOf(jobs);
  const alone = jobs.filter((_, index) => (company[index] ?? 0) < ALONE);
  const times = (alone.length >= FEWEST_JOBS ? alone : jobs).map(({ serviceMs }) => serviceMs);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const pdfBytes = mean(jobs.map((job) => job.pdfBytes));
  const size = { htmlBytes: 0, pdfBytes };
  return {
    source: 'database',
    measuredAt: now.toISOString(),
    cores: 1,
    samples: times.length,
    documents: {
      history: {
        renderMs: mean(times),
        newPageMs: 0,
        idleMs: 0,
        parallelism: 1,
        spread: spreadOf(times),
        ...serviceCost(size),
        ...size,
      },
    },
  };
}

/** Jobs that a worker had at a time on average, its own included, below which one counts as alone. */
const ALONE = 1.1;

/** For each job: how many its worker had on average while it had this one. */
function companyOf(jobs: readonly PastJob[]): number[] {
  const result = jobs.map(() => 1);
  const byWorker = Map.groupBy(
    jobs.map((job, index) => ({ ...job, index })),
    (job) => job.worker,
  );
  for (const group of byWorker.values()) {
    const moments = group
      .flatMap(({ startedAt, serviceMs }) => [
        { at: startedAt, change: 1 },
        { at: startedAt + serviceMs, change: -1 },
      ])
      .toSorted((a, b) => a.at - b.at);
    /** job-milliseconds up to each moment */
    const upTo = new Map<number, number>();
    let [sum, running, last] = [0, 0, moments[0]?.at ?? 0];
    for (const { at, change } of moments) {
      sum += running * (at - last);
      upTo.set(at, sum);
      running += change;
      last = at;
    }
    for (const { index, startedAt, serviceMs } of group)
      result[index] = ((upTo.get(startedAt + serviceMs) ?? 0) - (upTo.get(startedAt) ?? 0)) / serviceMs;
  }
  return result;
}
