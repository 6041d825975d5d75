import { lookup, Resolver } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { Deadline } from '../kernel/deadline.ts';
import type { DenialReason, EgressPolicy } from './policy.ts';

/** The policy does not allow it. */
export class Denied extends Error {
  readonly reason: DenialReason;
  /** The name that was asked for says so by itself, so that saying it again tells nobody anything. */
  readonly isEvident: boolean;

  constructor(reason: DenialReason, { isEvident }: { isEvident: boolean }) {
    super(`denied: ${reason}`);
    this.reason = reason;
    this.isEvident = isEvident;
  }
}

/** Milliseconds. */
const RESOLVE_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
const DIAL_TIMEOUT_MS = 15_000;

interface DialerOptions {
  policy: EgressPolicy;
  /** `address:port` of the name servers, instead of the system's */
  nameServers?: readonly string[] | undefined;
}

/** Connects to where the policy allows, and only there: the address that was checked is the one that is dialled. */
export class Dialer {
  readonly #policy: EgressPolicy;
  readonly #resolver: Resolver;

  constructor({ policy, nameServers }: DialerOptions) {
    this.#policy = policy;
    // Not getaddrinfo: it would let a document with slow names hold the few threads that all of Node shares.
    this.#resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: 2 });
    if (nameServers) this.#resolver.setServers(nameServers);
  }

  /**
   * @param host as `URL.hostname` has it: lower case, addresses in their usual spelling, IPv6 in brackets
   * @throws Denied, or whatever kept it from being reached
   */
  async dial(host: string, port: number): Promise<Socket> {
    const deadline = new Deadline(DIAL_TIMEOUT_MS);
    const name = host.replace(/\.$/, '');
    const isNamed = this.#policy.isNamed(name, port);
    const addresses = await deadline.race(
      'looking up a name',
      isNamed ? addressesOf(name) : this.#allowedAddresses(name, port),
    );
    let failure: unknown = new Error('the name has no address');
    for (const address of addresses) {
      try {
        const socket = await connectTo(address, port, deadline.within(CONNECT_TIMEOUT_MS));
        // What is on the other end is what was checked: nothing on the way may have made another of it.
        const reached = socket.remoteAddress ?? '';
        const denied = isNamed || reached === address ? undefined : this.#policy.denyAddress(reached, port);
        if (!denied) return socket;
        socket.destroy();
        throw new Denied(denied, { isEvident: false });
      } catch (error) {
        if (error instanceof Denied) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** Every address must be allowed: one forbidden among them, and the name is not to be trusted. */
  async #allowedAddresses(name: string, port: number): Promise<string[]> {
    const literal = name.replace(/^\[(.*)\]$/, '$1');
    const denied = this.#policy.denyHost(literal, port);
    if (denied) throw new Denied(denied, { isEvident: true });
    const addresses = isIP(literal) > 0 ? [literal] : await this.#resolve(name);
    for (const address of addresses) {
      const reason = this.#policy.denyAddress(address, port);
      if (reason) throw new Denied(reason, { isEvident: false });
    }
    return addresses;
  }

  async #resolve(name: string): Promise<string[]> {
    const answers = await Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }
}

/** By the system's own means, with /etc/hosts: of names that the operator gave. */
async function addressesOf(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true, order: 'ipv4first' });
  return found.map(({ address }) => address);
}

function connectTo(address: string, port: number, deadline: Deadline): Promise<Socket> {
  const socket = connect({ host: address, port, family: isIP(address), noDelay: true });
  return new Promise((done, failed) => {
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), deadline.remainingMs);
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      settled();
    };
    socket.on('error', (error) => settle(() => failed(error))); // for good: a second one must be heard too
    socket.once('connect', () => settle(() => done(socket)));
  });
}
