import { CodedError } from '../kernel/errors.ts';
import type { LinkKeys } from './link-keys.ts';
import { keyIdOf, type Link, readLink } from './link-token.ts';

/**
 * What a link says, if the service has signed it. Nothing of the job is read.
 * @throws CodedError `not_found`, the same for whatever is no link; `link_expired`
 */
export async function openLink(keys: LinkKeys, token: string): Promise<Link> {
  const keyId = keyIdOf(token);
  const key = keyId === undefined ? undefined : await keys.find(keyId);
  const link = key && readLink(token, key);
  if (!link) throw noSuchLink();
  if (link.expiresAt <= Date.now()) throw new CodedError('link_expired', 'the link has expired; ask for a new one');
  return link;
}

/** One error for every link that is not valid. */
export const noSuchLink = () => new CodedError('not_found', 'there is no such link');
