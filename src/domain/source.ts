import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { fileNameProblem } from './file-name.ts';
import { MOVING_PAGE } from './foreign-names.ts';
import { parseTemplateName, TEMPLATE_NAME_ALLOWED } from './template-name.ts';

/** Most characters of a URL in a request. */
const MAX_URL = 8192;

/** @returns undefined if a document may be loaded from there: http or https, no user name and password */
export function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'allowed: an absolute http or https URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `allowed: http and https, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'allowed: a URL without user name and password';
  return undefined;
}

/** A URL that a document or a cookie may come from. */
export const urlText = checkedText(urlProblem, MAX_URL);

/** Files of one document. */
export const MAX_FILES = 1_000;

const assetId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'allowed: the id of an asset, which has 64 hexadecimal digits in lower case');

const FILE = 'allowed: the id of an asset, {"text": "…"} or {"base64": "…"}';
const inlineFile = z
  .union(
    [
      assetId,
      z.strictObject({ text: z.string() }),
      z.strictObject({ base64: z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'allowed: base64') }),
    ],
    { error: FILE },
  )
  .meta({ id: 'FileInput' });

/** A file of a request. */
export type FileInput = z.output<typeof inlineFile>;

/** Files by their paths in the document's folder. */
export const filesField = z
  .record(checkedText(fileNameProblem), inlineFile)
  .describe(
    'Files by their paths: the id of an asset (`PUT /v1/assets`), or the file itself as `{"text": "…"}` or `{"base64": "…"}`. The document finds them by relative and by root-relative paths. Without another source, one of them is the document: `index.html` or `index.md`',
  );

/** The document of a source `files`, the first that there is. */
export const ENTRIES = ['index.html', 'index.md'] as const;

/** Most paths that a message names. */
const MAX_NAMED = 5;

/** What is said of files without an entry. Paths come from the request, and are shortened. */
export function noDocumentProblem(paths: readonly string[]): string {
  const named = paths.slice(0, MAX_NAMED).map((path) => path.slice(0, 100));
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  const came = paths.length > 0 ? `; there is ${named.join(', ')}${more}` : '';
  const [document, another] = paths.filter((path) => /\.(?:html?|md)$/i.test(path));
  const entry = document?.toLowerCase().endsWith('.md') ? 'index.md' : 'index.html';
  const hint = document !== undefined && another === undefined ? `; send ${document.slice(0, 100)} as ${entry}` : '';
  return `required: one of the files is the document: ${ENTRIES.join(' or ')}${came}${hint}`;
}

/** An object is what jsreport has there. */
const NO_NAME = `allowed: the name of a template, such as invoice@7; HTML itself is html (${MOVING_PAGE})`;

/**
 * What a document can come from, by the request's field. A request has exactly one of them; `files` may come with
 * another. `sources/` has a file for each, which says how it is loaded.
 */
export const SOURCE_FIELDS = {
  html: z.string().min(1, 'must not be empty').describe('The document itself'),
  url: urlText.meta({
    description: 'Where the document is: http or https, without user name and password',
    format: 'uri',
  }),
  markdown: z.string().min(1, 'must not be empty').describe('The document itself, in GitHub’s dialect'),
  template: checkedText((text) => (parseTemplateName(text) ? undefined : TEMPLATE_NAME_ALLOWED), 200, NO_NAME).meta({
    description: 'One of your templates: its newest version, or the one after `@`. `data` is what it prints',
    example: 'invoice@7',
  }),
  pdf: z
    .strictObject({
      job: z.uuid('allowed: the id of a job').optional().describe('The first file of one of your completed jobs'),
      file: checkedText(fileNameProblem).optional().describe('One of the `files`'),
      password: z.string().min(1).max(127).optional().describe('Opens it'),
    })
    .refine(({ job, file }) => (job === undefined) !== (file === undefined), 'required: either job or file')
    .meta({ id: 'PdfSource', description: 'A PDF that is there already; it is not printed' }),
  files: filesField,
};

/** What a source is stored as, by its kind. `files` themselves are beside it. */
interface Values {
  html: string;
  url: string;
  markdown: string;
  template: TemplateValue;
  pdf: PdfValue;
  files: { entry: string };
}

/** A template's version and what it prints. */
interface TemplateValue {
  /** `invoice@7`; of one that is not saved: `invoice` */
  name: string;
  data: unknown;
}

/** A PDF that is there already. */
export interface PdfValue {
  /** id of the job whose first file it is */
  job?: string | undefined;
  /** its path among the files */
  file?: string | undefined;
  password?: string | undefined;
}

export type SourceKind = keyof Values;
export type SourceOf<Kind extends SourceKind> = { kind: Kind; value: Values[Kind] };
/** What a part is printed from. */
export type Source = { [Kind in SourceKind]: SourceOf<Kind> }[SourceKind];

export const SOURCE_KINDS = Object.keys(SOURCE_FIELDS) as SourceKind[];
