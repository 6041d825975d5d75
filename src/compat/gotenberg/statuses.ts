import type { ErrorCode, FieldProblem } from '../../kernel/errors.ts';

/** Statuses of Gotenberg for our codes that have another one with us. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  navigation_failed: 400,
  egress_denied: 403,
  document_status: 409,
  resource_failed: 409,
  console_error: 409,
  selector_not_found: 400,
  function_not_true: 400,
  function_failed: 400,
  page_too_tall: 400,
  page_ranges_invalid: 400,
  print_failed: 400,
  pdf_too_large: 400,
  too_many_pages: 400,
  too_many_resources: 400,
  memory_exceeded: 400,
  document_crashed: 400,
  render_timeout: 503,
  template_failed: 400,
  data_invalid: 400,
  markdown_failed: 400,
  pdf_refused: 400,
  finishing_invalid: 400,
  not_conformant: 400,
  job_failed: 500,
  poison: 500,
  request_timeout: 503,
};

/** What Gotenberg's callers get for an error: a status, and plain text with a line for each field. */
export function errorAnswer(
  { code, message, fields }: { code: ErrorCode; message: string; fields?: readonly FieldProblem[] | undefined },
  ownStatus: number,
): { status: number; text: string } {
  const lines = fields?.map(({ field, message: text }) => `${field}: ${text}`);
  return { status: STATUSES[code] ?? ownStatus, text: lines?.join('\n') ?? message };
}
