import { z } from 'zod';
import type { JobMetadata, JobStatus } from './job.ts';

/** What happens to a job that others are notified of. */
export const JOB_EVENTS = ['job.completed', 'job.failed', 'job.cancelled'] as const;

/** Versions of the payload. Within a version members are only added. */
export const EVENT_VERSIONS = [1] as const;

/** A job that has ended, as its event shows it. */
export interface EndedJob {
  id: string;
  status: JobStatus;
  filename: string | null;
  metadata: JobMetadata;
  error: { code: string; message: string } | null;
  /** how many there are, and their pages and bytes together; 0 unless it is completed */
  files: number;
  pages: number;
  size: number;
  completedAt: Date;
}

export const eventErrorSchema = z.object({ code: z.string(), message: z.string() }).meta({ id: 'EventError' });

const endedSchema = z
  .object({
    id: z.uuid().describe('Of the job'),
    status: z.enum(['completed', 'failed', 'cancelled']),
    url: z.string().describe('Of the job: a path, or with PUBLIC_URL the whole URL'),
    filename: z.string().nullable(),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    error: eventErrorSchema.nullable().describe('Why it failed'),
    files: z.int().describe('How many files it has'),
    pages: z.int().describe('Of all files together'),
    size: z.int().describe('Bytes of all files together'),
    completedAt: z.iso.datetime(),
  })
  .meta({ id: 'EndedJob' });

/** The event of a job, as webhooks and `GET /v1/events` send it. */
export const jobEventSchema = z
  .object({
    type: z.enum(JOB_EVENTS),
    timestamp: z.iso.datetime().describe('When the job ended'),
    version: z.literal(EVENT_VERSIONS).describe('Of this payload. Within a version members are only added'),
    data: endedSchema,
  })
  .meta({ id: 'JobEvent', description: 'A job has ended' });
export type JobEvent = z.infer<typeof jobEventSchema>;

/** @param publicUrl of the service, without a slash at its end */
export function jobEvent(job: EndedJob, publicUrl = ''): JobEvent {
  const { id, filename, metadata, error, files, pages, size } = job;
  const status = job.status as JobEvent['data']['status'];
  const completedAt = job.completedAt.toISOString();
  return {
    type: `job.${status}`,
    timestamp: completedAt,
    version: 1,
    data: { id, status, url: `${publicUrl}/v1/jobs/${id}`, filename, metadata, error, files, pages, size, completedAt },
  };
}
