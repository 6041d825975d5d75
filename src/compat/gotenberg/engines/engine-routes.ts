import type { SentFile, SentForm } from '../../conversion.ts';
import { Fields } from '../fields.ts';
import type { FormConversion, FormRoute, RequestAbout } from '../form-route.ts';
import { ENGINES, type ReadEngine } from './engines.ts';
import { isObject } from './json-object.ts';
import { partNames, splitName } from './part-names.ts';
import { POST_PROCESSING_FIELDS } from './post-processing.ts';
import { inputPdfs, stemOf } from './sent-files.ts';

/** The routes that work with PDFs that are sent. */
export const ENGINE_ROUTES: readonly FormRoute[] = Object.entries(ENGINES).map(([name, read]) => ({
  path: `/forms/pdfengines/${name}`,
  convert: (form, about) => convertPdfs(form, about, read),
}));

function convertPdfs(form: SentForm, about: RequestAbout, read: ReadEngine): FormConversion {
  const fields = new Fields(form);
  const { finishing = {}, every, isMerged = false, bookmarks, files, answerOf } = read(form, fields);
  const inputs = inputPdfs(form, fields);
  fields.check();
  const names = partNames(inputs.map(({ name }) => stemOf(name)));
  // What is sent to an address has the name that the job gives it.
  const isAlone = inputs.length === 1 && every === undefined && about.outputName !== undefined;
  const [alone] = isAlone ? partNames([about.outputName ?? '']) : [];
  const parts = inputs.map(({ name }, index) => {
    const own = bookmarks?.(name);
    const labels = isMerged || answerOf ? {} : { filename: alone ?? names[index] };
    return { pdf: { file: pathOf(index, names) }, ...labels, ...(own && { bookmarks: own }) };
  });
  const isEach = !isMerged && !answerOf;
  return {
    request: {
      parts,
      ...(Object.keys(finishing).length > 0 && { finishing }),
      ...(isEach && { split: { parts: true, ...(every !== undefined && { every }) } }),
      ...(answerOf && { output: 'json' }),
    },
    files: { ...Object.fromEntries(inputs.map((file, index) => [pathOf(index, names), file])), ...files },
    fields: {
      ...POST_PROCESSING_FIELDS,
      parts: 'files',
      pdf: 'files',
      ...Object.fromEntries(inputs.map((_, index) => [`parts[${index}].bookmarks`, 'bookmarks'])),
    },
    naming: {
      name: about.outputName ?? (isEach && inputs.length === 1 ? stemOf(inputs[0]?.name ?? '') : about.uniqueName),
      inZip: (file) => (every === undefined ? inputs[file.position]?.name : splitName(file, inputs)) ?? file.own,
    },
    ...(answerOf && { toAnswer: (json: unknown) => answers(inputs, json, answerOf) }),
  };
}

/** A folder for each, as two may have one name. A document without a title is called by it. */
const pathOf = (index: number, names: readonly string[]) => `${index + 1}/${names[index] ?? ''}.pdf`;

/** What is said about each PDF, by its name. */
function answers(
  inputs: readonly SentFile[],
  json: unknown,
  answerOf: NonNullable<ReturnType<ReadEngine>['answerOf']>,
): Record<string, unknown> {
  const described: unknown[] = isObject(json) && Array.isArray(json['files']) ? json['files'] : [];
  return Object.fromEntries(
    inputs.map(({ name }, index) => {
      const one = described[index];
      return [name, answerOf(name, isObject(one) ? one : {})];
    }),
  );
}
