import { fileNameProblem } from '../../../domain/file-name.ts';
import { urlProblem } from '../../../domain/source.ts';
import type { SentFile, SentForm } from '../../conversion.ts';
import type { RequestAbout } from '../form-route.ts';
import type { Fields } from '../fields.ts';
import { fillMarkdown } from './markdown-page.ts';

/** Fields whose files are for what is done with the PDF, not for its page. */
const NOT_OF_PAGE = new Set(['embeds', 'watermark', 'stamp', 'facturxXml']);
const ENTRY = 'index.html';

/** The document of a page, in a request of ours. */
interface PageDocument {
  source: Record<string, unknown>;
  /** beside it, by their names */
  files: Record<string, SentFile>;
}

/** Where the document of a route comes from. `check` names what is missing; `read` makes the document. */
export interface DocumentKind {
  check: (form: SentForm, fields: Fields) => void;
  read: (form: SentForm, fields: Fields, about: RequestAbout) => Promise<PageDocument>;
}

const pageFiles = ({ files }: SentForm) => files.filter(({ field }) => !NOT_OF_PAGE.has(field));

/** Of two files with one name the last counts. Those that no page could load are left out. */
function byName(files: readonly SentFile[]): Record<string, SentFile> {
  return Object.fromEntries(
    files.filter(({ name }) => fileNameProblem(name) === undefined).map((file) => [file.name, file]),
  );
}

function requireFile(form: SentForm, fields: Fields, name: string): void {
  const names = pageFiles(form).map((file) => file.name);
  if (names.includes(name)) return;
  const came = names.length === 0 ? '' : `; there is ${names.slice(0, 5).join(', ')}`;
  const isField = fields.text(name) !== undefined || fields.text('files') !== undefined;
  const hint = isField ? `; send it as a file: -F files=@${name}` : '';
  fields.refuse(name, `required: a file with this name${came}${hint}`);
}

/** `index.html`, and what it loads beside it. */
export const htmlDocument: DocumentKind = {
  check: (form, fields) => requireFile(form, fields, ENTRY),
  read: async (form) => ({ source: {}, files: byName(pageFiles(form)) }),
};

/** `index.html` in which files in markdown are named, and what it loads beside it. */
export const markdownDocument: DocumentKind = {
  check: (form, fields) => {
    requireFile(form, fields, ENTRY);
    if (!pageFiles(form).some(({ name }) => name.toLowerCase().endsWith('.md')))
      fields.refuse('files', 'required: one or more files whose names end with .md');
  },
  read: async (form, _fields, { toHtml }) => {
    const { [ENTRY]: page, ...files } = byName(pageFiles(form));
    if (!page) throw new Error('the form was not checked');
    const html = await fillMarkdown(await page.text(), { files, toHtml });
    return { source: { html }, files };
  },
};

/** A page that is somewhere else. */
export const urlDocument: DocumentKind = {
  check: (_form, fields) => {
    if (!fields.require('url', 'a URL that begins with http:// or https://')) return;
    const problem = urlProblem(fields.text('url') ?? '');
    if (problem !== undefined) fields.refuse('url', problem);
  },
  read: async (_form, fields) => ({ source: { url: fields.text('url') }, files: {} }),
};
