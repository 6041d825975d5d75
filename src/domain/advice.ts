import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';

/** What to do about a failed job, by its error code. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  navigation_failed: 'Check that the address is spelt right and answers from outside of a private network.',
  egress_denied: 'The operator does not let documents connect there. Send the files with the request instead.',
  document_status: 'Open the address: it answers with an error. Cookies or a login may be missing.',
  resource_failed: 'Fix or leave out the resources that the message names, or print without failOnResourceError.',
  selector_not_found: 'Check waitForSelector against the HTML; scripts may not have run to the end.',
  function_not_true: 'Check waitForFunction: it has to become true.',
  console_error: 'Fix the script that the message quotes, or print without failOnConsoleError.',
  page_too_tall: 'Print without singlePage, or print less.',
  page_ranges_invalid: 'Ask for pages that the document has.',
  too_many_pages: 'Print less, or split the document over several jobs.',
  memory_exceeded: 'Use smaller images, and fewer elements.',
  document_crashed: 'Leave parts of the document out until it prints; the last one was at fault.',
  render_timeout: 'Find what never ends (a script, a resource), wait for less, or allow more with timeoutMs.',
  template_failed: 'The message names file and line of the template. A preview tries a change before it is saved.',
  data_invalid: 'The message names the field of data. data.schema.json of the template says what is allowed.',
  pdf_refused: 'The PDF is damaged, encrypted, or too large. Another copy may work.',
  not_conformant: 'The message names the rules. Fix the document, or ask for another conformance.',
  poison: 'Every worker that took it was lost. Make the document smaller before you try again.',
};

/** What the one who sent the job can do about an error, or what the error is. */
export function adviceFor(code: string): string {
  return ADVICE[code as ErrorCode] ?? `${ERROR_CODES[code as ErrorCode]?.title ?? 'The job failed'}.`;
}
