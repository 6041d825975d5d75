import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import type { GatewayOptions } from '../egress/gateway.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { listenOnLoopback } from '../kernel/loopback.ts';
import { processTree, processType, seccompFilters } from '../memory/processes.ts';
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
  webgl: boolean;
  events: Pick<Events, 'isolationKnown' | 'browserStarted'>;
}

/** How documents are isolated here. */
export interface Confinement {
  jail: JailKind;
  /** why it is not `namespace`, if that was tried */
  reason?: string;
  /** whether renderers have a seccomp filter; undefined where that cannot be checked */
  sandbox: boolean | undefined;
}

const SELF_TEST_TIMEOUT_MS = 10_000;
const SANDBOX_TIMEOUT_MS = 2_000;
const SANDBOX_RETRY_MS = 50;

/** Starts browsers in the best jail that is possible here. The first browser is used to find and test it. */
export class Launcher {
  readonly #options: LauncherOptions;
  #confinement: Confinement | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Known when the first browser has started. */
  get confinement(): Confinement | undefined {
    return this.#confinement;
  }

  /** @throws OperatorError if Chromium does not start or does not isolate its documents */
  async launch(): Promise<Chromium> {
    if (this.#confinement) return this.#start(this.#confinement.jail);
    const { chromium, ...found } = await this.#startFirst();
    try {
      const sandbox = await this.#testFirst(chromium);
      this.#confinement = { ...found, sandbox };
      this.#options.events.isolationKnown({ ...found, sandbox: sandbox ?? true });
      return chromium;
    } catch (error) {
      await chromium.close();
      throw error;
    }
  }

  async #startFirst(): Promise<{ chromium: Chromium; jail: JailKind; reason?: string }> {
    const { jail } = this.#options;
    if (jail === 'proxy') return { chromium: await this.#start(jail), jail };
    try {
      return { chromium: await this.#start('namespace'), jail: 'namespace' };
    } catch (error) {
      if (!(error instanceof NoNamespace)) throw error;
      const reason = messageOf(error);
      if (jail === 'auto') return { chromium: await this.#start('proxy'), jail: 'proxy', reason };
      const problem = `a network namespace cannot be created here: ${reason}`;
      throw new OperatorError(`RENDER_JAIL: ${problem}; allowed: auto, proxy`, { cause: error });
    }
  }

  async #start(kind: JailKind): Promise<Chromium> {
    const { binary, egress, unsafeNoSandbox, webgl, events } = this.#options;
    const chromium = await launchChromium(binary, { jail: { kind, egress }, unsafeNoSandbox, webgl });
    events.browserStarted(chromium.version);
    return chromium;
  }

  async #testFirst(chromium: Chromium): Promise<boolean | undefined> {
    const page = await WarmPage.open(chromium); // open during both tests, so that there is a renderer
    try {
      await testNetwork(page);
      return await this.#testSandbox(chromium);
    } finally {
      await page.close().catch(() => undefined);
    }
  }

  async #testSandbox({ pid }: Chromium): Promise<boolean | undefined> {
    if (process.platform !== 'linux') return undefined;
    // A renderer has no filter yet when it starts, and shows none when it ends: check again.
    const deadline = new Deadline(this.#options.unsafeNoSandbox ? 0 : SANDBOX_TIMEOUT_MS);
    let isOn = renderersAreFiltered(pid);
    for (; !isOn && deadline.remainingMs > 0; isOn = renderersAreFiltered(pid)) await sleep(SANDBOX_RETRY_MS);
    if (!isOn && !this.#options.unsafeNoSandbox)
      throw new OperatorError(
        "Chromium's sandbox is off: its renderers run without a seccomp filter. Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or set CHROMIUM_UNSAFE_NO_SANDBOX=true",
      );
    return isOn;
  }
}

/** Whether there are renderers, and each has a seccomp filter in addition to those of this process. */
function renderersAreFiltered(browserPid: number): boolean {
  const inherited = seccompFilters('self') ?? 0;
  const filters = processTree(browserPid)
    .filter((pid) => processType(pid) === 'renderer')
    .flatMap((pid) => seccompFilters(pid) ?? []); // none if the process has ended meanwhile
  return filters.length > 0 && filters.every((count) => count > inherited);
}

/** Checks that a page with a closed channel cannot connect to a local port. @throws OperatorError if it can */
async function testNetwork(page: WarmPage): Promise<void> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  const origin = `127.0.0.1:${await listenOnLoopback(server)}`;
  try {
    const expression = `Promise.allSettled([
      fetch('http://${origin}/', { mode: 'no-cors' }),
      new Promise((done) => { const image = new Image(); image.onload = image.onerror = done; image.src = 'http://${origin}/image'; }),
      new Promise((done) => { const socket = new WebSocket('ws://${origin}/'); socket.onopen = socket.onerror = done; }),
    ]).then(() => true)`;
    const tried = page.tab.session.send('Runtime.evaluate', { expression, awaitPromise: true });
    await new Deadline(SELF_TEST_TIMEOUT_MS).race("the jail's test", tried);
  } finally {
    server.close();
  }
  if (connections > 0)
    throw new OperatorError(
      'The jail does not work: a document could connect without the proxy. Please report this with the version of Chromium',
    );
}
