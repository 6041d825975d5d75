import type { PdfRequest } from '../domain/pdf-request.ts';
import { RETENTION_BOUNDS } from '../domain/retention.ts';
import { invalidFields } from '../kernel/errors.ts';

export interface RetentionBound {
  /** seconds that a request may ask for at most; undefined: whatever it is valid for */
  maxRetentionSeconds?: number | undefined;
}

/** @throws CodedError `invalid_request` if the request asks for its files to be kept longer than the service allows */
export function checkRetention(
  { maxRetentionSeconds }: RetentionBound,
  { retention }: Pick<PdfRequest, 'retention'>,
): void {
  // prettier-ignore
  if (retention === undefined || maxRetentionSeconds === undefined || retention <= maxRetentionSeconds) return;
  throw invalidFields([
    {
      field: 'retention',
      message: `allowed by this service: whole seconds from ${RETENTION_BOUNDS.min} to ${maxRetentionSeconds}`,
    },
  ]);
}
