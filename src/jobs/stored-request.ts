import type { job } from '../db/schema.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';

type StoredColumns = Pick<typeof job.$inferSelect, 'request' | 'html' | 'url' | 'filename' | 'metadata'>;

/** A job's request as it was when it was accepted, put together from the columns that hold it. */
export function storedRequest({ request, html, url, filename, metadata }: StoredColumns): PdfRequest {
  return { ...request, html: html ?? undefined, url: url ?? undefined, filename: filename ?? undefined, metadata };
}
