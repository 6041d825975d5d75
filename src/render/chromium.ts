import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Browser } from 'puppeteer';
import { collectTail } from '../kernel/collect-tail.ts';
import { Deadline } from '../kernel/deadline.ts';
import { OperatorError } from '../kernel/errors.ts';
import { isAlive, processesWithArgument } from '../kernel/processes.ts';
import { type Gateway, type GatewayOptions, loopbackGateway, namespaceGateway } from '../egress/gateway.ts';
import type { ChromiumBinary } from './chromium-binary.ts';
import { chromiumIdentity } from './chromium-identity.ts';
import { type JailKind, spawnInNamespace } from './jail.ts';
import { pipeTransport } from './pipe-transport.ts';
import { sharedMemoryIsSmall, temporaryDirectory } from './temporary-space.ts';

const LAUNCH_TIMEOUT_MS = 20_000;
const PROFILE_PREFIX = 'pdfprompt-chromium-';

/** For one command of puppeteer. Our own deadlines are shorter. */
const PROTOCOL_TIMEOUT_MS = 330_000;

const FLAGS = [
  '--remote-debugging-pipe',
  '--no-first-run',
  '--no-default-browser-check',
  '--blink-settings=lazyLoadEnabled=false', // lazy images load on scrolling, which does not happen in print
  '--block-new-web-contents', // a window that opens and closes can prevent the load event of its opener
  '--disable-background-networking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-breakpad',
  '--disable-client-side-phishing-detection',
  '--disable-component-extensions-with-background-pages',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-extensions',
  '--disable-gpu',
  '--disable-hang-monitor',
  '--disable-ipc-flooding-protection',
  '--disable-prompt-on-repost',
  '--disable-renderer-backgrounding',
  '--disable-search-engine-choice-screen',
  '--disable-sync',
  // Without RenderDocument a navigation reuses the frame and its compositor, which costs a third less.
  '--disable-blink-features=SharedWorkerExtendedLifetime', // would outlive its document
  '--disable-features=Translate,MediaRouter,OptimizationHints,AcceptCHFrame,DialMediaRouteProvider,BackForwardCache,RenderDocument',
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
  '--hide-scrollbars',
  '--metrics-recording-only',
  '--mute-audio',
  '--no-pings',
  '--password-store=basic',
  '--use-mock-keychain',
];

/** Each of them is needed: without it some connections bypass the proxy or reach private addresses. */
const EGRESS_FLAGS = [
  '--proxy-server=http://127.0.0.1:1', // for requests without a page; nothing listens there. Each page has its own proxy
  '--proxy-bypass-list=<-loopback>', // otherwise 127/8 and 169.254/16 bypass the proxy
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp', // its name in headless-shell
  '--webrtc-ip-handling-policy=disable_non_proxied_udp', // its name in Chrome
];

/** A running browser. */
export interface Chromium {
  browser: Browser;
  /** `153.0.8010.0` */
  version: string;
  pid: number;
  /** whether a page can be minimized, and only it: the pages of full Chrome may share a window */
  canMinimize: boolean;
  /** The only network access of its pages; undefined without a jail. */
  gateway?: Gateway;
  /** Settles when the process has ended, with the signal that ended it, if any. */
  exited: Promise<NodeJS.Signals | null>;
  /** Kills all its processes and removes its profile. */
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** undefined: unrestricted network access, for trusted documents only */
  jail?: { kind: JailKind; egress: GatewayOptions } | undefined;
  /** without the sandbox, a document that exploits Chromium has the rights of the worker */
  unsafeNoSandbox?: boolean;
  /** its GPU process, which then draws on the CPU, has no seccomp filter */
  webgl?: boolean;
}

/**
 * Starts Chromium with its sandbox, as an unprivileged user, with an almost empty environment, and controls it through a
 * pipe, so that it ends when this process does.
 * @throws OperatorError with Chromium's output if it does not start; NoNamespace if the jail is not possible
 */
export async function launchChromium(
  binary: ChromiumBinary,
  { jail, unsafeNoSandbox = false, webgl = false }: LaunchOptions = {},
): Promise<Chromium> {
  const identity = chromiumIdentity();
  const root = temporaryDirectory();
  await sweepBrowsers(root);
  // Nothing here waits for a turn of the event loop: at a start that would come after the loading of all other modules.
  const profile = mkdtempSync(join(root, `${PROFILE_PREFIX}${process.pid}-`));
  if (identity) chownSync(profile, identity.uid, identity.gid);
  chmodSync(profile, 0o700);

  const flags = [...FLAGS, ...(jail ? EGRESS_FLAGS : []), profileFlag(profile)];
  if (binary.kind === 'full') flags.unshift('--headless=new');
  if (sharedMemoryIsSmall()) flags.push('--disable-dev-shm-usage');
  if (unsafeNoSandbox) flags.push('--no-sandbox');
  // Otherwise Chromium loads SwiftShader if it is installed, whose threads prevent the sandbox of the GPU process.
  flags.push(webgl ? '--enable-unsafe-swiftshader' : '--disable-software-rasterizer');
  const options: SpawnOptions = {
    ...identity,
    cwd: profile,
    detached: true, // its own process group, so that Ctrl-C reaches only this process
    // Temporary files in the profile are removed with it. Not for Chrome, whose sockets need shorter paths.
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: profile,
      LANG: 'en_US.UTF-8',
      ...(binary.kind === 'headless-shell' && { TMPDIR: profile }),
      ...binary.env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  };
  const { child, gateway } = await start(binary.path, [...flags, 'about:blank'], options, jail).catch(
    async (error: unknown) => {
      await removeProfile(profile);
      throw error;
    },
  );
  const output = collectTail(child.stderr as Readable);
  const exited = new Promise<NodeJS.Signals | null>((done) =>
    child.once('exit', (_, signal) => done(signal)).once('error', () => done(null)),
  );
  const close = async () => {
    killGroup(child.pid); // it has nothing to save, and a regular end takes seconds when a page hangs
    gateway?.closeAll();
    await exited;
    await removeProfile(profile);
  };

  try {
    const { default: puppeteer } = await import('puppeteer'); // while the browser starts
    const connecting = puppeteer.connect({
      transport: pipeTransport(child.stdio[3] as Writable, child.stdio[4] as Readable, () => killGroup(child.pid)),
      defaultViewport: null,
      protocolTimeout: PROTOCOL_TIMEOUT_MS,
    });
    const ended = exited.then(() => Promise.reject(new Error('it ended at once')));
    const browser = await new Deadline(LAUNCH_TIMEOUT_MS).race('starting Chromium', Promise.race([connecting, ended]));
    const product = await new Deadline(LAUNCH_TIMEOUT_MS).race('asking Chromium its version', browser.version());
    const version = product.slice(product.lastIndexOf('/') + 1);
    const canMinimize = binary.kind === 'headless-shell';
    return { browser, version, pid: child.pid as number, canMinimize, ...(gateway && { gateway }), exited, close };
  } catch (error) {
    await close();
    const details = output().trim();
    const hint = /sandbox/i.test(details)
      ? '\nIts sandbox needs unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 (or kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu).'
      : '';
    const libraries = /shared libraries/.test(details) ? '\nOn Debian: apt-get install libnss3' : '';
    throw new OperatorError(
      `Chromium (${binary.path}) did not start.${details === '' ? '' : `\n${details}`}${hint}${libraries}`,
      { cause: error },
    );
  }
}

async function start(
  path: string,
  arguments_: string[],
  options: SpawnOptions,
  jail: LaunchOptions['jail'],
): Promise<{ child: ChildProcess; gateway?: Gateway }> {
  if (jail?.kind === 'namespace') {
    const { child, server, port } = await spawnInNamespace(path, arguments_, options);
    return { child, gateway: namespaceGateway(server, port, jail.egress) };
  }
  return { child: spawn(path, arguments_, options), ...(jail && { gateway: loopbackGateway(jail.egress) }) };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group has no process any more
  }
}

const profileFlag = (profile: string) => `--user-data-dir=${profile}`;

async function removeProfile(profile: string): Promise<void> {
  await rm(profile, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

/**
 * Removes the profiles of processes that were killed before they could do it, and kills what is left of their browsers:
 * one that hangs or is stopped does not notice that its pipe was closed.
 */
export async function sweepBrowsers(root: string): Promise<void> {
  for (const name of readdirSync(root)) {
    const owner = name.startsWith(PROFILE_PREFIX) ? Number.parseInt(name.slice(PROFILE_PREFIX.length), 10) : Number.NaN;
    if (!Number.isInteger(owner) || isAlive(owner)) continue;
    const profile = join(root, name);
    for (const pid of processesWithArgument(profileFlag(profile))) killGroup(pid);
    await removeProfile(profile);
  }
}
