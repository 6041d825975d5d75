import { isIP } from 'node:net';
import { type EgressRule, WEB_PORTS } from '../config/egress-rule.ts';
import { blockList, isPublicAddress } from './address.ts';

/**
 * Why something was not let through: `policy` EGRESS_POLICY=none, `port` neither 80 nor 443, `address` not on
 * the public internet, `budget` the document has used up what one may, `idle` no document is being rendered
 * there, `malformed` not a request to a web server at all.
 */
export type DenialReason = 'policy' | 'port' | 'address' | 'budget' | 'idle' | 'malformed';

interface EgressPolicyOptions {
  /** `public`: the public internet and what the rules open; `none`: only what they open */
  policy: 'public' | 'none';
  rules: readonly EgressRule[];
}

/** Where documents may connect to. */
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

  /** Whether the operator named this host: then it is trusted, whatever address it has. */
  isNamed(host: string, port: number): boolean {
    return this.#hosts.some(
      (rule) =>
        rule.ports.includes(port) &&
        (rule.host.startsWith('*.') ? host.endsWith(rule.host.slice(1)) : host === rule.host),
    );
  }

  /**
   * Why this host may not be connected to, if its text alone says so: an address, a name of this machine, a port on
   * which nothing is open. Telling that tells nothing of what there is in our network.
   * @param host as `URL.hostname` has it, without brackets and a dot at its end
   */
  denyHost(host: string, port: number): DenialReason | undefined {
    if (this.isNamed(host, port)) return undefined;
    const address = /(?:^|\.)localhost$/.test(host) ? '127.0.0.1' : host; // RFC 6761
    return isIP(address) > 0 ? this.denyAddress(address, port) : this.denyPort(port);
  }

  /** Why no address at all would do on this port, if so: what cannot be reached need not be looked up. */
  denyPort(port: number): DenialReason | undefined {
    if (this.#networks.some(({ ports }) => ports.includes(port))) return undefined;
    if (!this.#isPublic) return 'policy';
    return WEB_PORTS.includes(port) ? undefined : 'port';
  }

  /** Why this address may not be connected to, if so. @param address without brackets */
  denyAddress(address: string, port: number): DenialReason | undefined {
    const version = address.includes(':') ? 'ipv6' : 'ipv4';
    if (this.#networks.some(({ includes, ports }) => ports.includes(port) && includes(address, version)))
      return undefined;
    if (!this.#isPublic) return 'policy';
    if (!isPublicAddress(address)) return 'address';
    return WEB_PORTS.includes(port) ? undefined : 'port';
  }
}
