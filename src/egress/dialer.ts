import { lookup, Resolver } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { Deadline } from '../kernel/deadline.ts';
import type { DenialReason, EgressPolicy } from './policy.ts';

/** The policy does not allow the connection. */
export class Denied extends Error {
  readonly reason: DenialReason;
  /** Whether the text of the address alone shows the reason: then it may be shown to the tenant. */
  readonly isEvident: boolean;

  constructor(reason: DenialReason, { isEvident }: { isEvident: boolean }) {
    super(`denied: ${reason}`);
    this.reason = reason;
    this.isEvident = isEvident;
  }
}

const RESOLVE_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
const DIAL_TIMEOUT_MS = 15_000;

interface DialerOptions {
  policy: EgressPolicy;
  /** `address:port` of the name servers, instead of the system's */
  nameServers?: readonly string[] | undefined;
}

/** Connects only to what the policy allows. It dials exactly the addresses that it checked. */
export class Dialer {
  readonly #policy: EgressPolicy;
  readonly #resolver: Resolver;

  constructor({ policy, nameServers }: DialerOptions) {
    this.#policy = policy;
    // Not getaddrinfo: it uses Node's few shared threads, and one document with slow names could occupy them all.
    this.#resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: 2 });
    if (nameServers) this.#resolver.setServers(nameServers);
  }

  /**
   * @param host as in `URL.hostname`: lower case, addresses in canonical form, IPv6 in brackets
   * @throws Denied, or the error of the lookup or connection
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
        // Check the peer's address again, in case something between (such as NAT) changed it.
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

  /** If one address of a name is forbidden, the name as a whole is denied. */
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

/** With the system's resolver and /etc/hosts: for names that the operator configured. */
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
    socket.on('error', (error) => settle(() => failed(error))); // stays registered: an unhandled second error would end the process
    socket.once('connect', () => settle(() => done(socket)));
  });
}
