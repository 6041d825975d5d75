import type { JobTimeline } from '../jobs/job-timeline.ts';
import type { ListedJob } from '../jobs/search-jobs.ts';

export const JOB_HEAD = ['ID', 'STATUS', 'USER', 'TIER', 'ACCEPTED', 'ENDED', 'FILENAME', 'PAGES', 'ERROR'];

/** A job in a list. */
export function jobRow(job: ListedJob): string[] {
  return [
    job.id,
    job.status,
    job.email,
    job.tier,
    job.createdAt.toISOString(),
    job.completedAt?.toISOString() ?? '',
    job.filename ?? '',
    job.pages === null ? '' : String(job.pages),
    job.errorCode ?? '',
  ];
}

/** All there is to say of a job, the reason of a failure first. */
export function timelineRows(job: JobTimeline): string[][] {
  const at = (time: Date | null) => time?.toISOString();
  const rows: [string, string | null | undefined][] = [
    ['id', job.id],
    ['status', job.status],
    ['error', job.errorCode === null ? null : `${job.errorCode}: ${job.errorMessage ?? ''}`],
    ['user', job.email],
    ['tier', job.tier],
    ['priority', job.priority],
    ['batch', job.batchId === null ? null : `${job.batchId}${job.batchRow === null ? '' : `, row ${job.batchRow}`}`],
    ['filename', job.filename],
    ['metadata', Object.keys(job.metadata ?? {}).length > 0 ? JSON.stringify(job.metadata) : null],
    ['url', job.url],
    ['request', JSON.stringify(job.request)],
    ['document', job.hasDocument ? 'kept' : 'no longer kept'],
    ['accepted', at(job.createdAt)],
    ['run at', at(job.runAt)],
    ['started', at(job.startedAt)],
    ['ended', at(job.completedAt)],
    ['file', job.file && `${job.file.type}, ${job.file.size} bytes, ${job.file.pages} pages`],
    ['expires', at(job.file?.expiresAt ?? null)],
    ...job.attempts.map(({ run, startedAt, endedAt, outcome, reason, worker }): [string, string] => [
      `run ${run}`,
      [at(startedAt), at(endedAt) ?? 'under way', worker ?? 'unknown worker', outcome, reason]
        .filter(Boolean)
        .join(', '),
    ]),
    ...(job.failedResources ?? []).map(({ url, reason }): [string, string] => ['failed resource', `${url}: ${reason}`]),
    ...(job.missingFonts ?? []).map((family): [string, string] => ['missing font', family]),
  ];
  return rows.flatMap(([name, value]) => (value ? [[name, value]] : []));
}
