import type { job, part } from '../db/schema.ts';
import type { ResultSettings } from '../domain/finishing.ts';
import { labelsOf, type Part, type PartLabels, type PrintSettings, withDefaults } from '../domain/pdf-request.ts';
import type { Source } from '../domain/source.ts';

type JobColumns = Pick<typeof job.$inferSelect, 'request' | 'html' | 'url'>;
export type PartColumns = Pick<typeof part.$inferSelect, 'kind' | 'content' | 'data' | 'settings'> &
  Partial<Pick<typeof part.$inferSelect, 'position' | 'hasFiles' | 'templateVersion'>>;

/** The kind of the row, after those of the parts, that says what becomes of them. */
export const RESULT_KIND = 'result';

/** The kind of the only row of a request that was submitted in SQL, until a worker reads it. */
const REQUEST_KIND = 'request';

/** A part as it was accepted. */
export type StoredPart = Part &
  PartLabels & {
    /** in its job, from 0 */
    position: number;
    /** whether it has files of its own (`assets/asset-files.ts`) */
    hasFiles: boolean;
    /** id of the version that a source of the kind template prints; undefined: a draft, whose files are its own */
    templateVersion: string | undefined;
  };

/** What becomes of the parts, as it was accepted. */
export interface StoredResult {
  settings: ResultSettings;
  position: number;
  hasFiles: boolean;
}

/** A job's documents as they were accepted. */
export interface StoredDocuments {
  /** a request that was submitted in SQL, as it was sent: nobody has checked it, and there are no parts yet */
  unread?: unknown;
  /** none if they are no longer kept */
  parts: StoredPart[];
  result: StoredResult | undefined;
}

/**
 * Nobody has checked the kind of a source here: sources/ refuses one that it does not know.
 * @param rows of the job's parts, in order
 */
export function storedDocuments(row: JobColumns, rows: readonly PartColumns[]): StoredDocuments {
  const { priority: _, retention: __, ...settings } = row.request;
  const kept = (rows.length > 0 ? rows : fromLastRelease(row)).filter(
    ({ content, data }) => content !== null || data !== null,
  );
  if (kept[0]?.kind === REQUEST_KIND) return { unread: kept[0].data, parts: [], result: undefined };
  const last = kept.at(-1);
  const result = last?.kind === RESULT_KIND ? last : undefined;
  const parts = kept.filter((each) => each !== result).map((each) => toPart(each, settings));
  return { parts, result: result && toResult(result) };
}

function toPart(columns: PartColumns, job: Partial<PrintSettings>): StoredPart {
  const { kind, content, data, position = 0, hasFiles = false, templateVersion } = columns;
  const { title, filename, bookmarks, ...own } = columns.settings as Partial<PrintSettings> & PartLabels;
  return {
    ...withDefaults({ ...job, ...own }),
    source: { kind, value: content ?? data } as Source,
    position,
    ...labelsOf({ title, filename, bookmarks }),
    hasFiles,
    templateVersion: templateVersion ?? undefined,
  };
}

function toResult({ data, position = 0, hasFiles = false }: PartColumns): StoredResult {
  return { settings: data as ResultSettings, position, hasFiles };
}

/** The last release keeps a document in the job's row. */
function fromLastRelease({ html, url }: JobColumns): PartColumns[] {
  return Object.entries({ html, url })
    .filter(([, content]) => content !== null)
    .map(([kind, content]) => ({ kind, content, data: null, settings: {} }));
}
