import type { z } from 'zod';
import type { Job } from '../domain/job.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import type { jobSchema } from './schemas.ts';

/** What is told of a job. Its PDF has an address only if it can be had there. */
export function jobAnswer({ file, ...job }: Job, stores: PdfStores): z.infer<typeof jobSchema> {
  if (!file) return { ...job, file };
  const { store, url, ...rest } = file;
  return { ...job, file: { ...rest, url: stores.of(store) ? url : null } };
}
