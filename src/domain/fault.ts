import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';

/** Whose fault it is that a job failed: what the sender can mend, or what the operator has to. */
export type Fault = 'document' | 'service';

/** A job that took its workers with it is ours too, whatever is in it: no document should be able to. */
export function faultOf(code: ErrorCode): Fault {
  return code === 'poison' || ERROR_CODES[code].status >= 500 ? 'service' : 'document';
}

/** Every code that a job can fail with through our fault. */
export const SERVICE_FAULTS = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => faultOf(code) === 'service');
