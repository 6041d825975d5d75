import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';

/** The cause of a failed job: one that the sender can correct, or one for the operator. */
export type Fault = 'document' | 'service';

/** `poison` is the service's fault, because no document should be able to end workers. */
export function faultOf(code: ErrorCode): Fault {
  return code === 'poison' || ERROR_CODES[code].status >= 500 ? 'service' : 'document';
}

export const SERVICE_FAULTS = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => faultOf(code) === 'service');
