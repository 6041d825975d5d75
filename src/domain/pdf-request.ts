import { z } from 'zod';
import type { FieldProblem } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { canonicalJson } from './canonical-json.ts';
import { bodyProblem, parseFields, withoutNulls } from './check-input.ts';
import { type RequestDeliveries, uploadField, webhookField } from './delivery.ts';
import { fieldWithin } from './field-path.ts';
import {
  type Bookmark,
  bookmarksField,
  finishingFiles,
  finishingSchema,
  hasHtmlLayer,
  type ResultSettings,
  splitSchema,
} from './finishing.ts';
import { isOfPage, isPicture, outputSchema, type PictureOutput } from './output.ts';
import { impliedProblems } from './implied-options.ts';
import { checkResult } from './result-conflicts.ts';
import { overSettings } from './over-settings.ts';
import { checkPageFields } from './page-fields.ts';
import { line, PRINT_FIELDS, REQUEST_BOUNDS } from './print-fields.ts';
import { prioritySchema } from './priority.ts';
import { retentionSchema } from './retention.ts';
import { runAtField } from './run-at.ts';
import { ENTRIES, type FileInput, MAX_FILES, noDocumentProblem, type Source, SOURCE_FIELDS, SOURCE_KINDS, type SourceKind } from './source.ts'; // prettier-ignore

const METADATA_VALUE = `allowed: a string of at most 500 characters, a number (whole ones up to ${Number.MAX_SAFE_INTEGER}), a boolean or null`;

/** Whether a number keeps all the digits it had in JSON, so that it is shown as it was sent. */
function keepsDigits(value: number): boolean {
  return !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21;
}

const SOURCE = {
  ...z.object(SOURCE_FIELDS).partial().shape,
  data: z
    .unknown()
    .refine((data) => typeof data === 'object' && data !== null && !Array.isArray(data), 'allowed: an object')
    .meta({ type: 'object' })
    .optional()
    .describe('What a template prints: an object of any JSON'),
};

const filename = line(1, 200)
  .regex(/^[^/\\]*$/, 'allowed: a file name without / and \\')
  .regex(
    /^[^\p{Bidi_Control}\u0080-\u009f\u2028\u2029]*$/u,
    'allowed: no control characters, nor those that turn the direction of text',
  );

const partSchema = z
  .strictObject({
    ...SOURCE,
    title: line(1, 500).optional().describe('Of its bookmark; default: the title of its document'),
    filename: filename.optional().describe('Of its file, with `split.parts`'),
    bookmarks: bookmarksField
      .optional()
      .describe('Instead of those that it has, with pages counted from its first; `[]`: none'),
    ...PRINT_FIELDS,
  })
  .meta({ id: 'Part', description: 'A source, and print options over those of the request' });

const sourceNames = [...SOURCE_KINDS, 'parts'];

export const pdfRequestSchema = z
  .strictObject({
    ...SOURCE,
    parts: z
      .array(partSchema)
      .min(1)
      .max(REQUEST_BOUNDS.parts)
      .optional()
      .describe('Sources that are printed and merged, in this order. `files` are there for each of them'),
    ...PRINT_FIELDS,
    finishing: finishingSchema.optional(),
    split: splitSchema.optional(),
    output: outputSchema.optional(),
    filename: filename.optional(),
    metadata: z
      .record(
        z.string().min(1).max(100),
        z
          .union([z.string().max(500), z.number(), z.boolean(), z.null()], METADATA_VALUE)
          .refine((value) => typeof value !== 'number' || keepsDigits(value), METADATA_VALUE),
      )
      .default({})
      .describe('Your own data, stored with the job and returned with it'),
    timeoutMs: z
      .int()
      .min(REQUEST_BOUNDS.timeoutMs.min)
      .max(REQUEST_BOUNDS.timeoutMs.max)
      .default(REQUEST_BOUNDS.timeoutMs.default)
      .describe('Milliseconds for the whole rendering'),
    priority: prioritySchema.optional().describe("Default: your tier's, which cannot be exceeded"),
    webhook: webhookField.optional(),
    upload: uploadField.optional(),
    runAt: runAtField.optional(),
    retention: retentionSchema
      .optional()
      .describe(
        'Seconds that the files of the job are kept, from its end; default: as your limits, your tier or the service says. The service has a longest time (`PDF_RETENTION_MAX`)',
      ),
  })
  .superRefine((body, context) => {
    const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const { parts, output, finishing, files = {} } = body;
    if (!parts)
      checkPart(finishing && body.url !== undefined ? { ...body, files: undefined } : body, refuse, sourceNames);
    else {
      const another = SOURCE_KINDS.find((kind) => body[kind] !== undefined && kind !== 'files');
      if (another) refuse([another], `allowed: exactly one of ${sourceNames.join(', ')}`);
      if (body.data !== undefined) refuse(['data'], 'allowed with template only');
    }
    checkResult(body, refuse);
    const source = parts ? 'parts' : body.pdf && 'pdf';
    if (isOfPage(output) && source)
      refuse(
        ['output'],
        `${source} is not one page of a browser; allowed with ${isPicture(output) ? 'output.pages' : 'output pdf'}`,
      );
    for (const [index, name] of repeatedNames(parts ?? []))
      refuse(['parts', index, 'filename'], `${name} is the name of another part; allowed: names that differ`);
    // A template may have them itself.
    for (const { path, name } of finishing && body.template === undefined ? finishingFiles(finishing) : [])
      if (!Object.hasOwn(files, name)) refuse(path, noSuchFile(name, files));
  })
  .meta({ id: 'PdfRequest', description: 'null means absent, except for values of `metadata`' });

/** Parts whose file name a part before them has. */
function repeatedNames(parts: readonly { filename?: string | undefined }[]): [index: number, name: string][] {
  const names = parts.map((part) => part.filename?.toLowerCase().replace(/\.pdf$/, ''));
  return parts.flatMap((part, index): [number, string][] =>
    part.filename !== undefined && names.indexOf(names[index]) < index ? [[index, part.filename]] : [],
  );
}

type Refuse = (path: PropertyKey[], message: string) => void;
type PartFields = z.output<typeof partSchema>;
type Fields = z.output<typeof pdfRequestSchema>;

/** Calls `refuse` for what does not fit together in one part. @param names fields of which it has exactly one */
function checkPart(body: Omit<PartFields, keyof PartLabels>, refuse: Refuse, names: readonly string[]): void {
  const named = SOURCE_KINDS.filter((kind) => body[kind] !== undefined && kind !== 'files');
  const [source = body.files && 'files', another] = named;
  const one = `exactly one of ${names.join(', ')}`;
  if (another) refuse([another], `allowed: ${one}`);
  if (!source) refuse(['html'], `required: ${one}`);
  if (body.files && source === 'url') refuse(['files'], 'url has its own files; allowed with it: none');
  if (source === 'files' && !entryOf(body.files)) refuse(['files'], noDocumentProblem(Object.keys(body.files ?? {})));
  if (body.data !== undefined && source !== 'template') refuse(['data'], 'allowed with template only');
  const { file } = body.pdf ?? {};
  if (file !== undefined && !Object.hasOwn(body.files ?? {}, file))
    refuse(['pdf', 'file'], noSuchFile(file, body.files));
  if (source !== 'url' && body.extraHTTPHeadersTo === 'origin')
    refuse(['extraHTTPHeadersTo'], `${source} has no origin; allowed with it: all, or a list of origins`);
  for (const [index, { url, domain }] of (body.cookies ?? []).entries())
    if (body.url === undefined && url === undefined && domain === undefined)
      refuse(['cookies', index, 'domain'], 'required without url: a domain or a url');
  checkPageFields(body, refuse);
}

/** What is said of a file that a field names and nobody sent. */
export function noSuchFile(name: string, files: Readonly<Record<string, unknown>> = {}): string {
  const near = nearest(name, Object.keys(files));
  return `it is not one of the files that were sent${near === undefined ? '' : `; did you mean ${near}?`}`;
}

const checkedPart = partSchema.superRefine((body, context) =>
  checkPart(body, (path, message) => context.addIssue({ code: 'custom', path, message }), SOURCE_KINDS),
);

const PRINT_NAMES = Object.keys(PRINT_FIELDS) as (keyof typeof PRINT_FIELDS)[];

/** How a part is printed, with every default. */
export type PrintSettings = Pick<Fields, keyof typeof PRINT_FIELDS | 'timeoutMs'>;

/** What is printed, and how. */
export type Part = PrintSettings & {
  source: Source;
  /** a picture of the page is taken, and no PDF is printed */
  picture?: PictureOutput | undefined;
  /** the HTML of the page is read, and no PDF is printed */
  isHtmlWanted?: boolean | undefined;
};

/** What a part is called, and how its pages are. */
export interface PartLabels {
  /** of its bookmark */
  title?: string | undefined;
  /** of its file, if parts are not merged */
  filename?: string | undefined;
  /** instead of those that it has */
  bookmarks?: Bookmark[] | undefined;
}

/** A part as it was sent. */
export type RequestPart = Part &
  PartLabels & {
    /** beside the document, or the PDF itself, by their paths */
    files?: Record<string, FileInput> | undefined;
    /** the JSON that it was parsed from, with the print options of the request under it */
    sent: Record<string, unknown>;
  };

/** A request with every default. Its own print settings are under those of its parts. */
export type PdfRequest = PrintSettings &
  Pick<Fields, 'filename' | 'metadata' | 'priority' | 'retention'> & {
    /** at least one */
    parts: RequestPart[];
    /** what becomes of them; undefined: a PDF as it is printed */
    result?: ResultSettings | undefined;
    /** files that the result needs, by their paths */
    resultFiles?: Record<string, FileInput> | undefined;
    /** undefined: nothing */
    deliveries?: RequestDeliveries | undefined;
    /** ISO 8601; undefined: now */
    runAt?: string | undefined;
  };

/** `sent` is the JSON without nulls and without defaults, which change with releases. */
export type ParsedRequest = { ok: true; request: PdfRequest; sent: unknown } | { ok: false; fields: FieldProblem[] };

/** Validates parsed JSON against {@link pdfRequestSchema} and names every field that is wrong. */
export function parsePdfRequest(json: unknown): ParsedRequest {
  const problem = bodyProblem(json) ?? countProblem(json);
  if (problem) return { ok: false, fields: [problem] };
  const sent = withoutNulls(pdfRequestSchema, json);
  const parsed = parseFields(pdfRequestSchema, sent);
  if (!parsed.ok) return parsed;
  const fields = parsed.data;
  const { parts, problems } = partsOf(fields, sent as Record<string, unknown>);
  problems.push(...impliedProblems(fields.finishing, sent as Record<string, unknown>));
  if (problems.length > 0) return { ok: false, fields: problems };
  return { ok: true, request: { ...toSettings(fields), ...ownFields(fields), ...resultOf(fields), parts }, sent };
}

/** The part of a request with one source. */
export function onlyPart({ parts }: PdfRequest): RequestPart {
  const [part] = parts;
  if (!part || parts.length > 1) throw new Error('the request has several parts');
  return part;
}

/** Files of each part and, last, of the result, by their paths; undefined: none. */
export function requestFiles({ parts, resultFiles }: PdfRequest): (Record<string, FileInput> | undefined)[] {
  return [...parts.map(({ files }) => files), resultFiles];
}

const ownFields = ({ filename, metadata, priority, retention, webhook, upload, runAt }: Fields) => ({
  metadata,
  ...(filename !== undefined && { filename }),
  ...(priority && { priority }),
  ...(retention !== undefined && { retention }),
  ...((webhook !== undefined || upload) && { deliveries: { webhook, upload } }),
  ...(runAt !== undefined && { runAt }),
});

function resultOf({ finishing, split, output, files = {} }: Fields): Pick<PdfRequest, 'result' | 'resultFiles'> {
  const isPdf = output === undefined || output.type === 'pdf';
  if (!finishing && !split && isPdf) return {};
  const names = finishing ? finishingFiles(finishing).map(({ name }) => name) : [];
  const isLayered = finishing !== undefined && hasHtmlLayer(finishing);
  const needed = Object.entries(files).filter(([name]) => isLayered || names.includes(name));
  return {
    result: { ...(finishing && { finishing }), ...(split && { split }), ...(!isPdf && { output }) },
    ...(needed.length > 0 && { resultFiles: Object.fromEntries(needed) }),
  };
}

/** The parts of a valid request, or what is wrong with one of them together with the print options of the request. */
function partsOf(request: Fields, sent: Record<string, unknown>): { parts: RequestPart[]; problems: FieldProblem[] } {
  if (!request.parts) {
    const { filename: _, ...own } = request; // it is the job's
    return { parts: [toPart(own, request, sent)], problems: optionsOfPdf(sent, '') };
  }
  const parts: RequestPart[] = [];
  const problems: FieldProblem[] = [];
  let files = 0;
  const shared = Object.fromEntries(Object.entries(sent).filter(([name]) => PRINT_NAMES.includes(name as keyof typeof PRINT_FIELDS))); // prettier-ignore
  for (const [index, own] of (sent.parts as Record<string, unknown>[]).entries()) {
    const at = `parts[${index}]`;
    const merged = overSettings(optionsFor(own, shared), withSharedFiles(own, sent.files));
    const parsed = parseFields(checkedPart, merged);
    if (parsed.ok) {
      parts.push(toPart(parsed.data, request, merged));
      files += Object.keys(parts.at(-1)?.files ?? {}).length;
      problems.push(...optionsOfPdf(own, `${at}.`));
    } else problems.push(...parsed.fields.map((each) => ({ ...each, field: fieldWithin(at, each.field) })));
  }
  if (files > REQUEST_BOUNDS.partFiles)
    problems.push({
      field: 'files',
      message: `allowed: at most ${REQUEST_BOUNDS.partFiles} for all parts together; give each part its own`,
    });
  return { parts, problems: problems.slice(0, MAX_PROBLEMS) };
}

const MAX_PROBLEMS = 50;

/** Print options of the request that have a meaning for the part's source. */
function optionsFor(part: Record<string, unknown>, shared: Record<string, unknown>): Record<string, unknown> {
  if (part.pdf !== undefined) return {};
  if (part.url !== undefined) return shared;
  const { authenticate: _, extraHTTPHeadersTo, ...options } = shared;
  return {
    ...options,
    ...(extraHTTPHeadersTo !== 'origin' && extraHTTPHeadersTo !== undefined && { extraHTTPHeadersTo }),
  };
}

function withSharedFiles(part: Record<string, unknown>, shared: unknown): Record<string, unknown> {
  if (shared === undefined || part.url !== undefined) return part;
  return { ...part, files: { ...(shared as object), ...(part.files as object | undefined) } };
}

/** A PDF is not printed. */
function optionsOfPdf(sent: Record<string, unknown>, at: string): FieldProblem[] {
  const options = sent.pdf === undefined ? [] : PRINT_NAMES.filter((name) => sent[name] !== undefined);
  return options.map((name) => ({ field: `${at}${name}`, message: 'pdf is not printed; allowed with other sources' }));
}

function toPart(fields: PartFields, { timeoutMs }: Fields, sent: Record<string, unknown>): RequestPart {
  const source = toSource(fields);
  const files = filesOf(source, fields.files);
  const settings = onItsPaper(source, toSettings({ ...fields, timeoutMs }), sent);
  return { ...settings, source, sent, ...labelsOf(fields), ...(files && { files }) };
}

/** Those that a part has. */
export function labelsOf({ title, filename: name, bookmarks }: PartLabels): PartLabels {
  return {
    ...(title !== undefined && { title }),
    ...(name !== undefined && { filename: name }),
    ...(bookmarks && { bookmarks }),
  };
}

/** Those of the request that the source may refer to. */
function filesOf(source: Source, files: Record<string, FileInput> = {}): Record<string, FileInput> | undefined {
  if (source.kind === 'url') return undefined;
  if (source.kind !== 'pdf') return Object.keys(files).length > 0 ? files : undefined;
  const { file } = source.value;
  const found = file === undefined ? undefined : files[file];
  return file !== undefined && found ? { [file]: found } : undefined;
}

function toSettings(fields: PrintSettings): PrintSettings {
  const given = [...PRINT_NAMES, 'timeoutMs' as const].filter((name) => fields[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, fields[name]])) as unknown as PrintSettings;
}

function toSource({ html, url, markdown, template, data, pdf, files }: PartFields): Source {
  const sources: Partial<Record<SourceKind, Source['value']>> = {
    ...(html !== undefined && { html }),
    ...(url !== undefined && { url }),
    ...(markdown !== undefined && { markdown }),
    ...(template !== undefined && { template: { name: template, data: data ?? {} } }),
    ...(pdf !== undefined && { pdf }),
  };
  const [[kind, value] = ['files', { entry: entryOf(files) ?? '' }]] = Object.entries(sources);
  return { kind, value } as Source;
}

/** Markdown is for A4, unless another paper is asked for. */
function onItsPaper({ kind, value }: Source, settings: PrintSettings, sent: Record<string, unknown>): PrintSettings {
  const isMarkdown = kind === 'markdown' || (kind === 'files' && value.entry.endsWith('.md'));
  const asked = (sent.options as { format?: unknown } | undefined)?.format;
  return isMarkdown && asked === undefined ? { ...settings, options: { ...settings.options, format: 'A4' } } : settings;
}

/** The fields of a request for a source, as {@link toSource} reads them. */
export function sourceFields(source: Source): Record<string, unknown> {
  if (source.kind === 'template') return { template: source.value.name, data: source.value.data };
  return source.kind === 'files' ? {} : { [source.kind]: source.value };
}

function entryOf(files: Record<string, unknown> = {}): string | undefined {
  return ENTRIES.find((name) => Object.hasOwn(files, name));
}

const DEFAULTS = toSettings(pdfRequestSchema.parse({ html: ' ' }));

/** Print settings from those that are stored: an application that submits its jobs in SQL may leave out any. */
export function withDefaults(stored: Partial<PrintSettings>): PrintSettings {
  const { options, gotoOptions } = DEFAULTS;
  return {
    ...DEFAULTS,
    ...stored,
    options: { ...options, ...stored.options },
    gotoOptions: { ...gotoOptions, ...stored.gotoOptions },
  };
}

/** The other way round: what {@link withDefaults} makes of it is the same. For what is stored many times. */
export function withoutDefaults<T extends Partial<PrintSettings>>(settings: T): Partial<T> {
  const differ = <S extends object>(all: S, defaults: object): Partial<S> =>
    Object.fromEntries(
      Object.entries(all).filter(
        ([name, value]) => canonicalJson(value) !== canonicalJson((defaults as Record<string, unknown>)[name] ?? null),
      ),
    ) as Partial<S>;
  const { options, gotoOptions, ...others } = settings;
  const own = differ(options ?? {}, DEFAULTS.options);
  const ofGoto = differ(gotoOptions ?? {}, DEFAULTS.gotoOptions);
  return {
    ...differ(others, DEFAULTS),
    ...(Object.keys(own).length > 0 && { options: own }),
    ...(Object.keys(ofGoto).length > 0 && { gotoOptions: ofGoto }),
  } as Partial<T>;
}

/** Not part of the schema, which would validate each of thousands of entries first. */
function countProblem(json: unknown): FieldProblem | undefined {
  const { metadata, setExtraHTTPHeaders, files, parts } = (json ?? {}) as Record<string, unknown>;
  const { metadataEntries, extraHeaders, parts: maxParts } = REQUEST_BOUNDS;
  const hasMore = (value: unknown, most: number) =>
    typeof value === 'object' && value !== null && Object.keys(value).length > most;
  if (hasMore(metadata, metadataEntries))
    return { field: 'metadata', message: `allowed: at most ${metadataEntries} entries` };
  if (hasMore(setExtraHTTPHeaders, extraHeaders))
    return { field: 'setExtraHTTPHeaders', message: `allowed: at most ${extraHeaders} headers` };
  if (hasMore(files, MAX_FILES)) return { field: 'files', message: `allowed: at most ${MAX_FILES} files` };
  if (hasMore(parts, maxParts)) return { field: 'parts', message: `allowed: at most ${maxParts} parts` };
  return undefined;
}
