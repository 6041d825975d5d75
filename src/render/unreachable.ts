import { shownUrl } from '../domain/shown-url.ts';
import type { Unreachable } from '../egress/channel.ts';
import type { DenialReason } from '../egress/policy.ts';
import { CodedError } from '../kernel/errors.ts';

/** What an operator can change. The other reasons are not shown. */
const EXPLANATIONS: Partial<Record<DenialReason, string>> = {
  address: 'it is not on the public internet, and EGRESS_ALLOW does not open it',
  port: 'ports other than 80 and 443 are closed, unless EGRESS_ALLOW opens them',
  policy: 'EGRESS_POLICY=none closes everything that EGRESS_ALLOW does not open',
};

/** The error for a document. */
export function unreachableError(url: string, { denied }: Unreachable): CodedError {
  const why = denied && EXPLANATIONS[denied];
  return why === undefined
    ? new CodedError('navigation_failed', `${shownUrl(url)} could not be reached`)
    : new CodedError('egress_denied', `${shownUrl(url)} could not be reached: ${why}`);
}

/** The reason for a failed resource. */
export function unreachableReason({ denied }: Unreachable): string {
  const why = denied && EXPLANATIONS[denied];
  return why === undefined ? 'unreachable' : `egress_denied: ${why}`;
}
