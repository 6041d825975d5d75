import type { StoredRequest } from '../db/schema.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { labelsOf, type PdfRequest, type PrintSettings } from '../domain/pdf-request.ts';
import { shownSource } from '../sources/sources.ts';
import type { RequestInput, Resolved, ResolvedPart } from './resolve-request.ts';
import { RESULT_KIND } from './stored-request.ts';

/** A part as `pdfprompt_submit` and `pdfprompt_add_part` take it. */
export interface PartRow {
  kind: string;
  content?: string;
  data?: unknown;
  shown?: string | undefined;
  settings?: Record<string, unknown>;
  files?: Readonly<Record<string, string>> | undefined;
  template_version?: string | undefined;
  template?: string | undefined;
}

/** What is in the column `request` of a job. */
export function jobSettings(request: PdfRequest): StoredRequest {
  const { parts: _, result: __, resultFiles: ___, deliveries: ____, filename: _____, metadata: ______, runAt: _______, ...settings } = request; // prettier-ignore
  return settings;
}

/** The rows of a job's parts, in order. */
export function partRows({ request, parts, files = [] }: Resolved<RequestInput>): [PartRow, ...PartRow[]] {
  const { result } = request;
  const settings = jobSettings(request);
  const [first, ...more] = parts.map((part, index) => toRow(part, settings, files[index]));
  if (!first) throw new Error('the request has no part');
  // Several parts have it in any case: a worker of the last release, which would not merge them, is not given it.
  if (result || more.length > 0) more.push({ kind: RESULT_KIND, data: result ?? {}, files: filesColumn(result && files.at(-1)) }); // prettier-ignore
  return [first, ...more];
}

/** The versions of templates that parts print, each once: `invoice@7`. */
export function templatesOf(parts: readonly ResolvedPart[]): string[] {
  return [...new Set(parts.flatMap(({ template }) => template?.name ?? []))];
}

/** @param job print settings that are stored with the job */
function toRow(
  part: ResolvedPart,
  job: Partial<PrintSettings>,
  files: Readonly<Record<string, string>> | undefined,
): PartRow {
  const { source, template, title, filename, bookmarks, files: _, sent: __, ...own } = part;
  const differ = Object.entries(own).filter(([name, value]) => canonicalJson(value) !== canonicalJson(job[name as keyof PrintSettings] ?? null)); // prettier-ignore
  return {
    kind: source.kind,
    ...(typeof source.value === 'string' ? { content: source.value } : { data: source.value }),
    shown: shownSource(source),
    settings: { ...Object.fromEntries(differ), ...labelsOf({ title, filename, bookmarks }) },
    files: filesColumn(files),
    template_version: template?.id,
    template: template?.name,
  };
}

const filesColumn = (files: Readonly<Record<string, string>> | undefined) =>
  files && Object.keys(files).length > 0 ? files : undefined;
