import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../domain/canonical-json.ts';
import { fieldWithin } from '../domain/field-path.ts';
import { parsePdfRequest } from '../domain/pdf-request.ts';
import { filesField } from '../domain/source.ts';
import { TEMPLATE_ENTRIES } from '../domain/template-name.ts';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';

export const templateSchema = z
  .strictObject({
    files: filesField.describe(`The template's folder: one of ${TEMPLATE_ENTRIES.join(', ')}, and what it needs.`),
    description: z.string().max(1_000).optional().describe('For people; default: that of template.json'),
    request: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Print settings, under those of a request: `options`, `locale`, …; default: those of template.json'),
  })
  .meta({ id: 'TemplateContent' });

/** What a version of a template consists of. */
export interface TemplateContent {
  /** hashes of assets by paths */
  files: Readonly<Record<string, string>>;
  description: string | undefined;
  /** print settings */
  request: Record<string, unknown>;
}

/** The fields of a request that a template cannot have: they are those of one document, or of others. */
const OF_A_DOCUMENT = new Set([
  'filename',
  'metadata',
  'priority',
  'data',
  'html',
  'url',
  'markdown',
  'template',
  'files',
  'pdf',
  'parts',
  'runAt',
]);

/** @throws CodedError that names what is missing, or is no print setting */
export function checkTemplate({ files, request }: TemplateContent): void {
  const entry = entryProblem(files);
  const problems: FieldProblem[] = entry ? [entry] : [];
  for (const name of Object.keys(request))
    if (OF_A_DOCUMENT.has(name)) problems.push({ field: `request.${name}`, message: 'allowed: print settings only' });
  const parsed = parsePdfRequest({ ...request, html: ' ', files }); // what finishing names is the template's own
  if (problems.length === 0 && !parsed.ok)
    for (const { field, message } of parsed.fields) problems.push({ field: fieldWithin('request', field), message });
  if (problems.length > 0) throw invalidFields(problems);
}

/** What is wrong if nothing is there with which a template begins. */
export function entryProblem(files: Readonly<Record<string, unknown>>): FieldProblem | undefined {
  if (TEMPLATE_ENTRIES.some((name) => Object.hasOwn(files, name))) return undefined;
  return { field: 'files', message: `required: one of ${TEMPLATE_ENTRIES.join(', ')}, with which it begins` };
}

/** SHA-256 of the content, the same for the same. */
export function hashOf({ files, description, request }: TemplateContent): Buffer {
  return createHash('sha256')
    .update(canonicalJson({ files, description: description ?? null, request }))
    .digest();
}
