import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { OperatorError } from '../kernel/errors.ts';
import { type Calibration, mean, spreadOf } from './calibration.ts';
import { serviceCost } from './document-cost.ts';

/** The jobs that ended last, read by the index of when they ended; those that have a PDF count. */
const MOST_JOBS = 10_000;
const FEWEST_JOBS = 20;

/** A completed job. Milliseconds of the database's clock. */
export interface PastJob {
  worker: string | null;
  startedAt: number;
  /** from the start until the PDF was stored */
  serviceMs: number;
  pdfBytes: number;
}

/** @throws OperatorError if too few jobs were completed so far */
export async function calibrationFromHistory(db: Database): Promise<Calibration> {
  const jobs = await db.execute<PastJob & Record<string, unknown>>(sql`
    select a.worker_id as worker, extract(epoch from j.started_at)::float * 1000 as "startedAt",
      greatest(1, (j.timings->>'total')::float - (j.timings->>'queued')::float) as "serviceMs", f.size::float as "pdfBytes"
    from (
      select id, runs, started_at, timings from pdfprompt_job
      where completed_at is not null order by completed_at desc limit ${MOST_JOBS}
    ) j
    join pdfprompt_file f on f.job_id = j.id and f.position = 0
    left join pdfprompt_job_attempt a on a.job_id = j.id and a.run = j.runs`);
  return calibrationOf(jobs, new Date());
}

/**
 * All documents as one kind. Jobs that had their worker to themselves show what a document takes. If they are too few,
 * all jobs count, and the plan is on the safe side, because those waited for each other.
 */
export function calibrationOf(jobs: readonly PastJob[], now: Date): Calibration {
  if (jobs.length < FEWEST_JOBS)
    throw new OperatorError(
      `--from-database: there are ${jobs.length} completed jobs, and ${FEWEST_JOBS} at least are needed. Type: pdfprompt plan --calibrate`,
    );
  const alone = jobsAlone(jobs);
  const times = (alone.length >= FEWEST_JOBS ? alone : jobs).map(({ serviceMs }) => serviceMs);
  const size = { htmlBytes: 0, pdfBytes: mean(jobs.map(({ pdfBytes }) => pdfBytes)) };
  const cost = { renderMs: mean(times), newPageMs: 0, idleMs: 0, parallelism: 1, spread: spreadOf(times) };
  return {
    source: 'database',
    measuredAt: now.toISOString(),
    cores: 1,
    samples: times.length,
    documents: { history: { ...cost, ...serviceCost(size), ...size } },
  };
}

/** Jobs whose time overlaps that of others of their worker by less than a tenth. */
function jobsAlone(jobs: readonly PastJob[]): PastJob[] {
  const overlap = new Map(jobs.map((job) => [job, 0]));
  for (const group of Map.groupBy(jobs, ({ worker }) => worker).values()) {
    const sorted = group.toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [index, job] of sorted.entries())
      for (let next = index + 1; next < sorted.length; next++) {
        const later = sorted[next] as PastJob;
        const shared = Math.min(job.startedAt + job.serviceMs - later.startedAt, later.serviceMs);
        if (shared <= 0) break;
        for (const each of [job, later]) overlap.set(each, (overlap.get(each) ?? 0) + shared);
      }
  }
  return jobs.filter((job) => (overlap.get(job) ?? 0) < job.serviceMs / 10);
}
