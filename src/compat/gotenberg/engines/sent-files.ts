import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { sortFiles } from '../sort-files.ts';

/** Names of form fields whose files are no input. */
const SPECIAL = new Set(['embeds', 'watermark', 'watermarks', 'stamp', 'stamps', 'facturxXml']);

/** The files of a form, in the order in which they came. Of two with one name the last is meant. */
function lastOfEachName(files: readonly SentFile[]): SentFile[] {
  return [...new Map(files.map((file) => [file.name, file])).values()];
}

/** The PDFs that a form is about, in Gotenberg's order. Refuses `files` if there is none. */
export function inputPdfs(form: SentForm, fields: Fields): SentFile[] {
  const inputs = lastOfEachName(form.files.filter((file) => !SPECIAL.has(file.field)));
  const pdfs = inputs.filter(({ name }) => name.toLowerCase().endsWith('.pdf'));
  if (pdfs.length === 0) fields.refuse('files', 'required: at least one file whose name ends with .pdf');
  return sortFiles(pdfs);
}

/** The files that were sent in one of these fields. */
export function filesIn(form: SentForm, ...names: string[]): SentFile[] {
  return lastOfEachName(form.files.filter(({ field }) => names.includes(field)));
}

/** The name of a file without its ending. */
export const stemOf = (name: string): string => name.replace(/(?<=.)\.[^.]*$/, '');

/** How the name of a file ends, with the dot: from it the type of a file is known. */
export const endingIn = (name: string): string => /\.[a-z0-9]{1,10}$/i.exec(name)?.[0].toLowerCase() ?? '';
