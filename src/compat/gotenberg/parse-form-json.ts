import { parseJson } from '../../jobs/parse-json.ts';
import { CodedError } from '../../kernel/errors.ts';

/** What is in a JSON text, or why it is not read. */
interface FormJson {
  json?: unknown;
  /** empty: it is no JSON; otherwise what is allowed */
  problem?: string;
}

/**
 * The JSON of a field of a form. What is nested too deep or has too many values is not parsed, as a body of JSON would
 * not be.
 */
export function parseFormJson(text: string): FormJson {
  try {
    return { json: parseJson(Buffer.from(text)) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { problem: error.fields?.[0]?.message ?? '' };
  }
}
