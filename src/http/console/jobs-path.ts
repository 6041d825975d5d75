import { type JobFilter, jobFilterFields } from '../../domain/job-filter.ts';

/** The address of a list of jobs. */
export function jobsPath(
  { filter, cursor }: { filter: JobFilter; cursor?: string | undefined },
  path = '/console/jobs',
): string {
  const fields = { ...jobFilterFields(filter), ...(cursor !== undefined && { cursor }) };
  const text = new URLSearchParams(fields).toString();
  return text === '' ? path : `${path}?${text}`;
}
