import type { z } from 'zod';
import type { Job, JobDetails, JobFile } from '../domain/job.ts';
import type { Stores } from '../storage/stores.ts';
import type { fileSchema, jobDetailsSchema, jobSchema } from './schemas.ts';

/** A job as the API shows it. */
export function jobAnswer(job: JobDetails, stores: Stores): z.infer<typeof jobDetailsSchema>;
export function jobAnswer(job: Job, stores: Stores): z.infer<typeof jobSchema>;
export function jobAnswer({ file, ...job }: Job, stores: Stores): z.infer<typeof jobSchema> {
  return { ...job, file: file && fileAnswer(file, stores) };
}

/** A file as the API shows it. `url` is null if this service does not know the store. */
export function fileAnswer({ store, location, url, ...file }: JobFile, stores: Stores): z.infer<typeof fileSchema> {
  return { ...file, url: stores.of({ store, location }) ? url : null };
}
