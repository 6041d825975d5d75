import type { EgressPolicy } from './policy.ts';

/**
 * Why nothing may be sent to this URL, as far as its text shows, for the user who named it. Names are looked up only when
 * something is sent: the dialer checks what they resolve to.
 * @param url http or https
 */
export function deniedUrl(policy: Pick<EgressPolicy, 'denyHost'>, url: string): string | undefined {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const at = Number(port || (protocol === 'https:' ? 443 : 80));
  const denied = policy.denyHost(host, at);
  if (denied === undefined) return undefined;
  if (denied === 'port') return `nothing is sent to port ${at}; allowed: 80 and 443, and what the operator allows`;
  const isOther = denied === 'address';
  return `nothing is sent to ${host}; allowed: ${isOther ? 'addresses of the public internet, and ' : ''}what the operator allows`;
}
