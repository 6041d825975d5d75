import type { z } from 'zod';
import type { Job } from '../domain/job.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import type { jobSchema } from './schemas.ts';

/** A job as the API shows it. `url` is null if this service cannot reach the store of the PDF. */
export function jobAnswer({ file, ...job }: Job, stores: PdfStores): z.infer<typeof jobSchema> {
  if (!file) return { ...job, file };
  const { store, url, ...rest } = file;
  return { ...job, file: { ...rest, url: stores.of(store) ? url : null } };
}
