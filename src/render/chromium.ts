import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import puppeteer, { type Browser } from 'puppeteer';
import { Deadline } from '../kernel/deadline.ts';
import { OperatorError } from '../kernel/errors.ts';
import { isAlive } from '../kernel/processes.ts';
import { type Gateway, type GatewayOptions, loopbackGateway, namespaceGateway } from '../egress/gateway.ts';
import { type ChromiumBinary, chromiumIdentity } from './chromium-binary.ts';
import { type JailKind, spawnJailed } from './jail.ts';
import { pipeTransport } from './pipe-transport.ts';
import { sharedMemoryIsSmall, temporaryDirectory } from './temporary-room.ts';

const LAUNCH_TIMEOUT_MS = 20_000;
const PROFILE_PREFIX = 'pdfprompt-chromium-';

/** Milliseconds after which puppeteer gives up on one command; our own deadlines come earlier. */
const PROTOCOL_TIMEOUT_MS = 330_000;

const FLAGS = [
  '--remote-debugging-pipe',
  '--no-first-run',
  '--no-default-browser-check',
  '--blink-settings=lazyLoadEnabled=false', // on paper nobody scrolls to what is further down
  '--block-new-web-contents', // a window that opens and is closed again can keep its opener from ever being loaded
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
  // RenderDocument: a navigation would bring a new frame, compositor and all; a new realm in the old one costs a third less.
  '--disable-features=Translate,MediaRouter,OptimizationHints,AcceptCHFrame,DialMediaRouteProvider,RenderDocument',
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
  '--hide-scrollbars',
  '--metrics-recording-only',
  '--mute-audio',
  '--no-pings',
  '--password-store=basic',
  '--use-mock-keychain',
];

/** Each of them is needed: without it something gets out that asks no proxy, or goes to a private address. */
const EGRESS_FLAGS = [
  '--proxy-server=http://127.0.0.1:1', // of what belongs to no page: nobody is there. Each page has one of its own
  '--proxy-bypass-list=<-loopback>', // or else 127/8 and 169.254/16 go past it
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp', // as headless-shell calls it
  '--webrtc-ip-handling-policy=disable_non_proxied_udp', // as Chrome calls it
];

/** A running browser process that is ours alone. */
export interface Chromium {
  browser: Browser;
  /** `153.0.8010.0` */
  version: string;
  pid: number;
  /** The only way out of its pages; none in a browser that was started without a jail. */
  gateway?: Gateway;
  /** Settles when the process is gone, with the signal that ended it, if one did. */
  exited: Promise<NodeJS.Signals | null>;
  /** Ends every process of it at once, and removes its profile. */
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** none: it connects to whatever it likes, for those who render only their own */
  jail?: { kind: JailKind; egress: GatewayOptions } | undefined;
  /** without its sandbox a document that breaks Chromium has the worker's machine */
  unsafeNoSandbox?: boolean;
  /** its GPU process, which then draws on the CPU, is without a seccomp filter */
  webgl?: boolean;
}

/**
 * Starts Chromium with its sandbox on, as an unprivileged user, with an almost empty environment,
 * spoken to through a pipe: it ends by itself when this process does, however that ends.
 * @throws OperatorError with what Chromium said, if it does not start; NoNamespace if the jail cannot be made
 */
export async function launchChromium(
  binary: ChromiumBinary,
  { jail, unsafeNoSandbox = false, webgl = false }: LaunchOptions = {},
): Promise<Chromium> {
  const identity = chromiumIdentity();
  const root = temporaryDirectory();
  await sweepProfiles(root);
  const profile = await mkdtemp(join(root, `${PROFILE_PREFIX}${process.pid}-`));
  if (identity) await chown(profile, identity.uid, identity.gid);
  await chmod(profile, 0o700);

  const flags = [...FLAGS, ...(jail ? EGRESS_FLAGS : []), `--user-data-dir=${profile}`];
  if (binary.kind === 'full') flags.unshift('--headless=new');
  if (sharedMemoryIsSmall()) flags.push('--disable-dev-shm-usage');
  if (unsafeNoSandbox) flags.push('--no-sandbox');
  // A browser that finds SwiftShader beside it loads it unless told not to, which starts threads, which keep the GPU process from its sandbox.
  flags.push(webgl ? '--enable-unsafe-swiftshader' : '--disable-software-rasterizer');
  const options: SpawnOptions = {
    ...identity,
    cwd: profile,
    detached: true, // a process group of its own: Ctrl-C in the terminal is ours to act on
    // What it writes for a while goes when its profile does, also if it was killed. Chrome has sockets there, whose paths must be short.
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: profile,
      LANG: 'en_US.UTF-8',
      ...(binary.kind === 'headless-shell' && { TMPDIR: profile }),
      ...binary.env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  };
  const removeProfile = () => rm(profile, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  const { child, gateway } = await start(binary.path, [...flags, 'about:blank'], options, jail).catch(
    async (error: unknown) => {
      await removeProfile();
      throw error;
    },
  );
  const said = collectTail(child.stderr as Readable);
  const exited = new Promise<NodeJS.Signals | null>((done) =>
    child.once('exit', (_, signal) => done(signal)).once('error', () => done(null)),
  );

  try {
    const browser = await new Deadline(LAUNCH_TIMEOUT_MS).race(
      'starting Chromium',
      Promise.race([
        puppeteer.connect({
          transport: pipeTransport(child.stdio[3] as Writable, child.stdio[4] as Readable, () => killGroup(child)),
          defaultViewport: null,
          protocolTimeout: PROTOCOL_TIMEOUT_MS,
        }),
        exited.then(() => Promise.reject(new Error('it ended at once'))),
      ]),
    );
    const product = await new Deadline(LAUNCH_TIMEOUT_MS).race('asking Chromium its version', browser.version());
    return {
      browser,
      version: product.slice(product.lastIndexOf('/') + 1),
      pid: child.pid as number,
      ...(gateway && { gateway }),
      exited,
      close: async () => {
        killGroup(child); // there is nothing in it to save, and asking politely takes seconds when a page hangs
        gateway?.closeAll();
        await exited;
        await removeProfile();
      },
    };
  } catch (error) {
    killGroup(child);
    gateway?.closeAll();
    await removeProfile();
    const details = said().trim();
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
  switch (jail?.kind) {
    case 'namespace': {
      const { child, server, port } = await spawnJailed(path, arguments_, options);
      return { child, gateway: namespaceGateway(server, port, jail.egress) };
    }
    case 'proxy':
      return { child: spawn(path, arguments_, options), gateway: loopbackGateway(jail.egress) };
    case undefined:
      return { child: spawn(path, arguments_, options) };
  }
}

function collectTail(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (data: string) => {
    text = (text + data).slice(-2_000);
  });
  return () => text;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nobody left in the group
  }
}

/** Profiles of processes that were killed before they could remove them. */
export async function sweepProfiles(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const owner = name.startsWith(PROFILE_PREFIX)
      ? Number(name.slice(PROFILE_PREFIX.length).split('-')[0])
      : Number.NaN;
    if (Number.isInteger(owner) && !isAlive(owner)) {
      await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
