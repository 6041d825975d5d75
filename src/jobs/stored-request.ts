import type { job } from '../db/schema.ts';
import type { Part } from '../domain/pdf-request.ts';

type StoredColumns = Pick<typeof job.$inferSelect, 'request' | 'html' | 'url' | 'filename' | 'metadata'>;

/** A job's request as it was sent, with every default of then, from the columns that store it. */
export function storedRequest({ request, html, url, filename, metadata }: StoredColumns): Record<string, unknown> {
  return { ...request, html: html ?? undefined, url: url ?? undefined, filename: filename ?? undefined, metadata };
}

/** A job's parts as they were accepted. */
export function storedParts({ request, html, url }: StoredColumns): Part[] {
  const { priority: _, ...settings } = request;
  const source =
    html === null ? ({ kind: 'url', value: url ?? '' } as const) : ({ kind: 'html', value: html } as const);
  return [{ ...settings, source }];
}
