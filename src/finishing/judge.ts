import type { Failure } from '../domain/outcome.ts';
import { DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { isOutOfTurns, NotStarted } from './process-pool.ts';
import { ProcessEnded } from './steps-process.ts';
import { NoTimestamp } from './write/signer.ts';

/** Whether another process, or the kernel, killed the one of the steps. */
export function isKilled(error: unknown): boolean {
  const reason = error instanceof NotStarted ? error.cause : error;
  return reason instanceof ProcessEnded && reason.how === 'killed';
}

/**
 * What an error of a step means for its job.
 * @param uploads the fields with what somebody else wrote. If there are any, they are the cause of whatever is not
 *   certainly the service's fault, and another attempt would end in the same way
 */
export function judge(error: unknown, step: string, uploads: readonly string[]): Failure {
  if (error instanceof CodedError) return { kind: 'reject', code: error.code, message: error.message };
  if (isOutOfTurns(error)) return { kind: 'interrupted', reason: 'finishing' };
  const { code, what } = meaningOf(error, step);
  const isOurs = error instanceof NotStarted || error instanceof NoTimestamp;
  if (code === 'finishing_failed' && (uploads.length === 0 || isOurs))
    return { kind: 'retry', code, message: what, cause: error };
  if (uploads.length === 0) return { kind: 'reject', code, message: what };
  return { kind: 'reject', code: 'pdf_refused', message: `${uploads.join(', ')}: ${what}` };
}

function meaningOf(
  error: unknown,
  step: string,
): { code: 'render_timeout' | 'memory_exceeded' | 'finishing_failed'; what: string } {
  if (error instanceof DeadlineExceeded)
    return {
      code: 'render_timeout',
      what: `the step ${step} did not end within the job's time limit; allow more with timeoutMs`,
    };
  const how = error instanceof ProcessEnded ? error.how : undefined;
  if (how === 'too large')
    return { code: 'memory_exceeded', what: `the step ${step} needs more memory than DOCUMENT_MEMORY_LIMIT_MB` };
  if (how === 'too slow') return { code: 'finishing_failed', what: `the step ${step} takes too long` };
  if (error instanceof NotStarted) return { code: 'finishing_failed', what: 'the process of the steps did not start' };
  return { code: 'finishing_failed', what: `the step ${step} failed` };
}
