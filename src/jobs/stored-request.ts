import type { job, part } from '../db/schema.ts';
import { type Part, withDefaults } from '../domain/pdf-request.ts';
import type { Source } from '../domain/source.ts';

type JobColumns = Pick<typeof job.$inferSelect, 'request' | 'html' | 'url'>;
export type PartColumns = Pick<typeof part.$inferSelect, 'kind' | 'content' | 'data' | 'settings'> &
  Partial<Pick<typeof part.$inferSelect, 'position' | 'hasFiles' | 'templateVersion'>>;

/** A part as it was accepted. */
export type StoredPart = Part & {
  /** in its job, from 0 */
  position: number;
  /** whether it has files of its own (`assets/asset-files.ts`) */
  hasFiles: boolean;
  /** id of the version that a source of the kind template prints; undefined: a draft, whose files are its own */
  templateVersion: string | undefined;
};

/**
 * A job's parts as they were accepted; none if its documents are no longer kept. Nobody has checked the kind of a
 * source here: sources/ refuses one that it does not know.
 * @param rows of its parts, in order
 */
export function storedParts(row: JobColumns, rows: readonly PartColumns[]): StoredPart[] {
  const { priority: _, ...settings } = row.request;
  return (rows.length > 0 ? rows : fromLastRelease(row))
    .filter(({ content, data }) => content !== null || data !== null)
    .map(({ kind, content, data, settings: own, position = 0, hasFiles = false, templateVersion }) => ({
      ...withDefaults({ ...settings, ...own }),
      source: { kind, value: content ?? data } as Source,
      position,
      hasFiles,
      templateVersion: templateVersion ?? undefined,
    }));
}

/** The last release keeps a document in the job's row. */
function fromLastRelease({ html, url }: JobColumns): PartColumns[] {
  return Object.entries({ html, url })
    .filter(([, content]) => content !== null)
    .map(([kind, content]) => ({ kind, content, data: null, settings: {} }));
}
