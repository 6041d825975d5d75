import { z } from 'zod';
import { JOB_FIELDS, type JobFilter, OWN_JOB_FIELDS, readJobQuery } from '../domain/job-filter.ts';
import type { AppContext } from './route.ts';
import { queryOf } from './query.ts';
import { jobStatusSchema, pageQuery } from './schemas.ts';

const page = pageQuery.extend({ cursor: z.string().max(4_000).optional() });
const status = jobStatusSchema.optional();

/** What a list of jobs may be asked for, as it is documented. */
export const ownJobsQuery = page.extend({ ...OWN_JOB_FIELDS, status });
export const jobsQuery = page.extend({ ...JOB_FIELDS, status });

export const JOBS_QUERY_TEXT =
  'Every parameter narrows the list. `metadata.KEY=VALUE` asks for an entry of `metadata`, such as `metadata.order=A-17`; a value that ends in `*` is a beginning; up to three of them. A page may have fewer jobs than `limit`, or none, and not be the last: go on until `nextCursor` is null. Newest first; the items of a `batch` by their rows; jobs whose `filename` or entry begins in one of more than a hundred ways by these.';

/** @throws CodedError `invalid_request` */
export function readJobsQuery(
  c: AppContext,
  fields: typeof OWN_JOB_FIELDS | typeof JOB_FIELDS,
): { filter: JobFilter; limit: number; cursor?: string | undefined } {
  const { filter, others } = readJobQuery(queryOf(c), fields, page.shape);
  return { filter, ...others };
}
