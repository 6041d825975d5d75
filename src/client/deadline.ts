import { PdfpromptError } from './pdfprompt-error.ts';

/** How long a call may take that waits for something. */
export interface WaitOptions {
  /** ends the call, with the signal's reason; what is waited for goes on */
  signal?: AbortSignal | undefined;
  /** milliseconds for everything; then the call fails with the code `timeout`, and what is waited for goes on */
  timeoutMs?: number | undefined;
}

/**
 * Runs `work` with a signal that also aborts when the time is over.
 * @param jobIdOf what the error of a time-out names
 * @throws PdfpromptError `timeout`
 */
export async function withDeadline<T>(
  { signal, timeoutMs }: WaitOptions,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  jobIdOf: () => string | undefined = () => undefined,
): Promise<T> {
  if (timeoutMs === undefined) return work(signal);
  const timer = AbortSignal.timeout(timeoutMs);
  try {
    return await work(signal ? AbortSignal.any([signal, timer]) : timer);
  } catch (error) {
    if (!timer.aborted || error !== timer.reason) throw error;
    throw new PdfpromptError('timeout', `not done within ${timeoutMs} ms`, { jobId: jobIdOf(), cause: error });
  }
}
