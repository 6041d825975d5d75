import type { Unreachable } from '../egress/channel.ts';
import type { DenialReason } from '../egress/policy.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { CodedError } from '../kernel/errors.ts';

/** What an operator may open, in a sentence; undefined where it would tell what there is in our network. */
function explanation(denied: DenialReason | undefined): string | undefined {
  switch (denied) {
    case 'address':
      return 'it is not on the public internet, and EGRESS_ALLOW does not open it';
    case 'port':
      return 'ports other than 80 and 443 are closed, unless EGRESS_ALLOW opens them';
    case 'policy':
      return 'EGRESS_POLICY=none closes all that EGRESS_ALLOW does not open';
    case 'budget':
    case 'idle':
    case 'malformed':
    case undefined:
      return undefined;
  }
}

/** Of a main document. */
export function unreachableError(url: string, { denied }: Unreachable): CodedError {
  const why = explanation(denied);
  return why === undefined
    ? new CodedError('navigation_failed', `${shownUrl(url)} could not be reached`)
    : new CodedError('egress_denied', `${shownUrl(url)} could not be reached: ${why}`);
}

/** Of a resource. */
export function unreachableReason({ denied }: Unreachable): string {
  const why = explanation(denied);
  return why === undefined ? 'unreachable' : `egress_denied: ${why}`;
}
