import { and, eq, inArray } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { file, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { JobStatus } from '../domain/job.ts';
import type { Source } from '../domain/source.ts';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';

interface GivenJobsInput {
  userId: string;
  /** of a request, in order */
  parts: readonly { source: Source }[];
  /** whether they were sent as `parts` */
  areParts: boolean;
  /** when they are printed, ISO 8601; undefined: now */
  runAt?: string | undefined;
}

/**
 * Checks that the PDFs of other jobs, which parts are made of, are there now and will be at the time of `runAt`: the tenant sees no others.
 * @throws CodedError that names each part whose PDF is not
 */
export async function checkGivenJobs(
  reads: Queryable,
  { userId, parts, areParts, runAt }: GivenJobsInput,
): Promise<void> {
  const given = parts.flatMap(({ source }, index) => {
    const id = source.kind === 'pdf' ? source.value.job?.toLowerCase() : undefined;
    return id === undefined ? [] : [{ id, field: areParts ? `parts[${index}].pdf.job` : 'pdf.job' }];
  });
  if (given.length === 0) return;
  const ids = [...new Set(given.map(({ id }) => id))];
  const rows = await reads
    .select({ id: job.id, status: job.status, fileId: file.id, expiresAt: file.expiresAt, expiredAt: file.expiredAt })
    .from(job)
    .leftJoin(file, and(eq(file.jobId, job.id), eq(file.position, 0)))
    .where(and(forTenant(userId), eq(job.userId, userId), inArray(job.id, ids)));
  const found = new Map(rows.map((row) => [row.id, row]));
  const problems = given.flatMap(({ id, field }): FieldProblem[] => {
    const message = problemOf(found.get(id), runAt);
    return message === undefined ? [] : [{ field, message }];
  });
  if (problems.length > 0) throw invalidFields(problems);
}

interface GivenJob {
  status: JobStatus;
  fileId: string | null;
  expiresAt: Date | null;
  expiredAt: Date | null;
}

function problemOf(found: GivenJob | undefined, runAt: string | undefined): string | undefined {
  if (!found) return 'you have no such job';
  if (found.status !== 'completed') return `the job is ${found.status}; allowed: one that is completed`;
  if (found.fileId === null || found.expiredAt !== null) return 'the PDF of the job is no longer kept';
  if (runAt !== undefined && found.expiresAt && found.expiresAt <= new Date(runAt))
    return `the PDF of the job is kept until ${found.expiresAt.toISOString()}, which is before runAt`;
  return undefined;
}
