import { isIP } from 'node:net';
import { type EgressRule, WEB_PORTS } from '../config/egress-rule.ts';
import { blockList, isPublicAddress } from './address.ts';

/**
 * Why a connection was denied: `policy` EGRESS_POLICY=none, `port` neither 80 nor 443, `address` not on the public
 * internet, `budget` the document has used up its limit, `idle` no document is being rendered in that page,
 * `malformed` not a valid proxy request.
 */
export type DenialReason = 'policy' | 'port' | 'address' | 'budget' | 'idle' | 'malformed';

interface EgressPolicyOptions {
  /** `public`: the public internet and what the rules allow; `none`: only what the rules allow */
  policy: 'public' | 'none';
  rules: readonly EgressRule[];
}

/** Decides which hosts and addresses documents may connect to. */
export class EgressPolicy {
  readonly #isPublic: boolean;
  readonly #hosts: { host: string; ports: readonly number[] }[];
  readonly #networks: { includes: (address: string, version: 'ipv4' | 'ipv6') => boolean; ports: readonly number[] }[];

  constructor({ policy, rules }: EgressPolicyOptions) {
    this.#isPublic = policy === 'public';
    this.#hosts = rules.flatMap((rule) => (rule.kind === 'host' ? [rule] : []));
    this.#networks = rules.flatMap((rule) => {
      if (rule.kind !== 'network') return [];
      const list = blockList([rule.network]);
      return [{ includes: (address, version) => list.check(address, version), ports: rule.ports }];
    });
  }

  /** Whether a rule names this host: then it is allowed at every address. */
  isNamed(host: string, port: number): boolean {
    return this.#hosts.some(
      (rule) =>
        rule.ports.includes(port) &&
        (rule.host.startsWith('*.') ? host.endsWith(rule.host.slice(1)) : host === rule.host),
    );
  }

  /**
   * Why this host is denied, as far as its text alone shows: an address, a name of this machine, a port that no rule
   * opens. These reasons reveal nothing about our network, so they may be shown.
   * @param host as in `URL.hostname`, without brackets and without a dot at the end
   */
  denyHost(host: string, port: number): DenialReason | undefined {
    if (this.isNamed(host, port)) return undefined;
    const address = /(?:^|\.)localhost$/.test(host) ? '127.0.0.1' : host; // RFC 6761
    return isIP(address) > 0 ? this.denyAddress(address, port) : this.denyPort(port);
  }

  /** Why every address is denied on this port, if so: then no lookup is needed. */
  denyPort(port: number): DenialReason | undefined {
    if (this.#networks.some(({ ports }) => ports.includes(port))) return undefined;
    if (!this.#isPublic) return 'policy';
    return WEB_PORTS.includes(port) ? undefined : 'port';
  }

  /** Why this address is denied; undefined if it is allowed. @param address without brackets */
  denyAddress(address: string, port: number): DenialReason | undefined {
    const version = address.includes(':') ? 'ipv6' : 'ipv4';
    if (this.#networks.some(({ includes, ports }) => ports.includes(port) && includes(address, version)))
      return undefined;
    if (!this.#isPublic) return 'policy';
    if (!isPublicAddress(address)) return 'address';
    return WEB_PORTS.includes(port) ? undefined : 'port';
  }
}
