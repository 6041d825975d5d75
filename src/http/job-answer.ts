import type { z } from 'zod';
import type { Job } from '../domain/job.ts';
import type { Stores } from '../storage/stores.ts';
import type { jobSchema } from './schemas.ts';

/** A job as the API shows it. `url` is null if this service cannot reach the store of the PDF. */
export function jobAnswer({ file, ...job }: Job, stores: Stores): z.infer<typeof jobSchema> {
  if (!file) return { ...job, file };
  const { store, location, url, ...rest } = file;
  return { ...job, file: { ...rest, url: stores.of({ store, location }) ? url : null } };
}
