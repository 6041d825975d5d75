import { PdfpromptError, withJobId } from './pdfprompt-error.ts';

/** How long a call may take that waits for something. */
export interface WaitOptions {
  /** ends the call, with the signal's reason; what is waited for goes on */
  signal?: AbortSignal | undefined;
  /** milliseconds for everything; then the call fails with the code `timeout`, and what is waited for goes on */
  timeoutMs?: number | undefined;
}

/** Milliseconds that a timer can wait: a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs `work` with a signal that also aborts when the time is over. What `work` returns is not cut any more.
 * @param jobIdOf the job that errors name
 * @throws PdfpromptError `timeout`
 */
export async function withDeadline<T>(
  { signal, timeoutMs }: WaitOptions,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  jobIdOf: () => string | undefined = () => undefined,
): Promise<T> {
  const over = new Error('the time is over');
  const controller = new AbortController();
  // Not AbortSignal.timeout: it could not be stopped, and would end a download that is read later.
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => controller.abort(over), Math.min(timeoutMs, LONGEST_TIMER_MS));
  try {
    return await work(signal ? AbortSignal.any([signal, controller.signal]) : controller.signal);
  } catch (error) {
    if (error === over)
      throw new PdfpromptError('timeout', `not done within ${timeoutMs} ms`, { jobId: jobIdOf(), cause: error });
    throw error instanceof PdfpromptError ? withJobId(error, jobIdOf()) : error;
  } finally {
    clearTimeout(timer);
  }
}
