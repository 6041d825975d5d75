import type { job } from '../db/schema.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';

type StoredColumns = Pick<typeof job.$inferSelect, 'request' | 'html' | 'url' | 'filename' | 'metadata'>;

/** A job's request as it was accepted, from the columns that store it. */
export function storedRequest({ request, html, url, filename, metadata }: StoredColumns): PdfRequest {
  return { ...request, html: html ?? undefined, url: url ?? undefined, filename: filename ?? undefined, metadata };
}
