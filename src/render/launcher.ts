import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../config/load.ts';
import type { GatewayOptions } from '../egress/gateway.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { listenOnLoopback } from '../kernel/loopback.ts';
import { processTree, processType } from '../memory/processes.ts';
import type { Events } from '../telemetry/events.ts';
import type { ChromiumBinary } from './chromium-binary.ts';
import { type Chromium, launchChromium } from './chromium.ts';
import { type JailKind, NoNamespace } from './jail.ts';
import { WarmPage } from './warm-page.ts';

export interface LauncherOptions {
  binary: ChromiumBinary;
  jail: Config['renderJail'];
  egress: GatewayOptions;
  unsafeNoSandbox: boolean;
  events: Pick<Events, 'jailed' | 'browserStarted'>;
}

/** What holds documents back, as it was found out. */
export interface Confinement {
  jail: JailKind;
  /** why it is not the better one, if it is not */
  reason?: string;
  /** whether renderers are under a seccomp filter; undefined where that cannot be seen */
  sandbox: boolean | undefined;
}

const SELF_TEST_TIMEOUT_MS = 10_000;

/** Starts browsers in the best jail that can be had here, which the first one is tried on. */
export class Launcher {
  readonly #options: LauncherOptions;
  #confinement: Confinement | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Once the first browser has started. */
  get confinement(): Confinement | undefined {
    return this.#confinement;
  }

  /** @throws OperatorError if Chromium does not start, or what should hold its documents back does not */
  async launch(): Promise<Chromium> {
    if (this.#confinement) return this.#start(this.#confinement.jail);
    const { chromium, ...found } = await this.#startFirst();
    try {
      await testNetwork(chromium);
      const sandbox = await this.#testSandbox(chromium);
      this.#confinement = { ...found, sandbox };
      this.#options.events.jailed({ ...found, sandbox: sandbox ?? true });
      return chromium;
    } catch (error) {
      await chromium.close();
      throw error;
    }
  }

  async #startFirst(): Promise<{ chromium: Chromium; jail: JailKind; reason?: string }> {
    const { jail } = this.#options;
    if (jail === 'proxy') return { chromium: await this.#start('proxy'), jail };
    try {
      return { chromium: await this.#start('namespace'), jail: 'namespace' };
    } catch (error) {
      if (!(error instanceof NoNamespace)) throw error;
      const reason = messageOf(error);
      if (jail === 'namespace')
        throw new OperatorError(
          `RENDER_JAIL: a network namespace cannot be made here: ${reason}; allowed: auto, proxy`,
          {
            cause: error,
          },
        );
      return { chromium: await this.#start('proxy'), jail: 'proxy', reason };
    }
  }

  async #start(kind: JailKind): Promise<Chromium> {
    const { binary, egress, unsafeNoSandbox, events } = this.#options;
    const chromium = await launchChromium(binary, { jail: { kind, egress }, unsafeNoSandbox });
    events.browserStarted(chromium.version);
    return chromium;
  }

  async #testSandbox({ pid }: Chromium): Promise<boolean | undefined> {
    if (process.platform !== 'linux') return undefined;
    const renderers = processTree(pid).filter((each) => processType(each) === 'renderer');
    const inherited = seccompFilters('self');
    const isOn = renderers.length > 0 && renderers.every((each) => seccompFilters(each) > inherited);
    if (!isOn && !this.#options.unsafeNoSandbox)
      throw new OperatorError(
        "Chromium's sandbox is off: its renderers run without a seccomp filter. Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or set CHROMIUM_UNSAFE_NO_SANDBOX=true",
      );
    return isOn;
  }
}

/** Filters that a process is under. Every process of a container is under the container's own. */
function seccompFilters(pid: number | 'self'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  if (!/^Seccomp:\s*2$/m.test(status)) return 0;
  const count = /^Seccomp_filters:\s*(\d+)$/m.exec(status)?.[1];
  return pid === 'self' ? Number(count ?? 0) : Number(count ?? 1); // before Linux 5.9 nobody counts them
}

/**
 * A page whose way out is shut tries to reach a port of ours: whatever the policy is, it must not.
 * @throws OperatorError if it gets there
 */
async function testNetwork(chromium: Chromium): Promise<void> {
  let reached = 0;
  const canary = createServer((socket) => {
    reached++;
    socket.destroy();
  });
  const origin = `127.0.0.1:${await listenOnLoopback(canary)}`;
  const page = await WarmPage.open(chromium);
  try {
    const tries = `Promise.allSettled([
      fetch('http://${origin}/', { mode: 'no-cors' }),
      new Promise((done) => { const image = new Image(); image.onload = image.onerror = done; image.src = 'http://${origin}/image'; }),
      new Promise((done) => { const socket = new WebSocket('ws://${origin}/'); socket.onopen = socket.onerror = done; }),
    ]).then(() => true)`;
    await new Deadline(SELF_TEST_TIMEOUT_MS).race(
      "the jail's test",
      page.session.send('Runtime.evaluate', { expression: tries, awaitPromise: true }),
    );
  } finally {
    canary.close();
    await page.close().catch(() => undefined);
  }
  if (reached > 0)
    throw new OperatorError(
      'The jail does not hold: a document could connect past the proxy. Please report this, with the version of Chromium',
    );
}
