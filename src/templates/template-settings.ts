import { z } from 'zod';
import { checkInput } from '../domain/check-input.ts';
import { fieldWithin, pathText } from '../domain/field-path.ts';
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
  const json = parseTemplateJson(SETTINGS_FILE, text);
  try {
    return checkInput(schema, json);
  } catch (error) {
    if (!(error instanceof CodedError) || !error.fields) throw error;
    throw invalidFields(
      error.fields.map(({ field, message }) => ({ field: fieldWithin(fieldOf(SETTINGS_FILE), field), message })),
    );
  }
}

/** The JSON of a template's file. @throws CodedError that names the file */
export function parseTemplateJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw invalidFields([{ field: fieldOf(file), message: `it is not JSON: ${messageOf(error).slice(0, 200)}` }]);
  }
}

const fieldOf = (file: string) => pathText(['files', file]);
