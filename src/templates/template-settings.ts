import { z } from 'zod';
import { checkInput } from '../domain/check-input.ts';
import { CodedError, invalidFields, messageOf } from '../kernel/errors.ts';

/** The file of a template that says how it is printed. */
export const SETTINGS_FILE = 'template.json';

const schema = z.strictObject({
  description: z.string().max(1_000).optional(),
  request: z.record(z.string(), z.unknown()).default({}),
});

export type TemplateSettings = z.output<typeof schema>;

/** What `template.json` says. @param text undefined if there is none @throws CodedError that names the file */
export function templateSettings(text: string | undefined): TemplateSettings {
  if (text === undefined) return { request: {} };
  const field = `files["${SETTINGS_FILE}"]`;
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw invalidFields([{ field, message: `it is not JSON: ${messageOf(error).slice(0, 200)}` }]);
  }
  try {
    return checkInput(schema, json);
  } catch (error) {
    if (!(error instanceof CodedError) || !error.fields) throw error;
    throw invalidFields(error.fields.map((each) => ({ field: `${field}.${each.field}`, message: each.message })));
  }
}
