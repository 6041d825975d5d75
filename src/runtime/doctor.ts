import type { Config } from '../config/load.ts';
import { chromiumAgeSeconds, CHROMIUM_MAX_AGE_DAYS } from '../domain/chromium-age.ts';
import { reasonText } from '../domain/outcome.ts';
import { onlyPart, parsePdfRequest } from '../domain/pdf-request.ts';
import { Deadline } from '../kernel/deadline.ts';
import { type ChromiumBinary, findChromium } from '../render/chromium-binary.ts';
import { withFonts } from '../render/fonts/font-library.ts';
import type { Launcher } from '../render/launcher.ts';
import { SHARED } from '../render/pool.ts';
import { Renderer } from '../render/renderer.ts';
import { Events } from '../telemetry/events.ts';
import { createLogger } from '../telemetry/log.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkDatabase } from './check-database.ts';
import { checkDisks } from './check-disks.ts';
import { checkFonts } from './check-fonts.ts';
import { checkSigner } from './signer.ts';
import type { Progress } from './acquire-database.ts';
import { checkDataDir, checkMemory, checkNode, checkStore, failure } from './examine-process.ts';
import { buildLauncher, rendererOptions } from './renderer.ts';

/** Checks everything that pdfprompt needs, and says what to do about what is missing. */
export async function examine(config: Config, onProgress: Progress): Promise<Check[]> {
  return [
    checkNode(),
    await checkDataDir(config),
    ...(await checkDatabase(config, onProgress)),
    await checkStore(config),
    ...(await checkDisks(config)),
    ...(await checkChromium(config, onProgress)),
    checkIsolation(config),
    ...(await checkSigner(config)),
    checkMemory(),
  ];
}

async function checkChromium(config: Config, onProgress: Progress): Promise<Check[]> {
  let binary: ChromiumBinary;
  try {
    binary = await findChromium({ ...config, onProgress });
  } catch (error) {
    return [failure('chromium', error, 'correct CHROME_PATH, or unset it to have one looked for')];
  }
  const path = `${binary.path} (${binary.source})`;
  const found =
    binary.kind === 'full'
      ? warn('chromium', path, 'npx puppeteer browsers install chrome-headless-shell')
      : ok('chromium', path);
  let step = 'fonts';
  try {
    const { binary: ready, fonts } = await withFonts(binary, config);
    step = 'rendering';
    const launcher = buildLauncher(config, ready, new Events(silent())); // one for both, so that the jail is tried once
    const confinement = await checkConfinement(config, launcher);
    return [found, ...confinement, await checkRendering(config, ready, launcher), ...checkFonts(fonts)];
  } catch (error) {
    return [found, failure(step, error)];
  }
}

/** Starts a browser as a worker does. The launcher checks its jail and its sandbox. */
async function checkConfinement(config: Config, launcher: Launcher): Promise<Check[]> {
  const chromium = await launcher.launch();
  await chromium.close();
  const { jail, reason, sandbox } = launcher.confinement ?? {};
  const opened = config.egress.rules.length === 0 ? '' : `, and EGRESS_ALLOW (${config.egress.rules.length})`;
  const egress = `documents reach ${config.egress.policy === 'public' ? 'the public internet' : 'nothing'}${opened}`;
  return [
    checkChromiumAge(chromium.version),
    sandbox === undefined
      ? warn('sandbox', 'cannot be verified on this system, which has no /proc')
      : sandbox
        ? ok('sandbox', 'on: renderers run under seccomp')
        : warn(
            'sandbox',
            'off: a document that breaks Chromium has the rights of the worker',
            'allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), and unset CHROMIUM_UNSAFE_NO_SANDBOX',
          ),
    jail === 'namespace'
      ? ok('jail', `browsers have a network of their own; ${egress}`)
      : warn(
          'jail',
          `browsers use the network of this machine, and only a proxy limits them${reason === undefined ? '' : ` (${reason})`}; ${egress}`,
          config.renderJail === 'proxy'
            ? 'unset RENDER_JAIL'
            : 'allow unprivileged user namespaces, and install util-linux and iproute2',
        ),
  ];
}

/** Who may share a page. */
function checkIsolation({ renderIsolation }: Config): Check {
  if (renderIsolation === 'tenant') return ok('isolation', 'a page belongs to one tenant');
  if (renderIsolation === 'job') return ok('isolation', 'each document has a new page');
  if (renderIsolation === 'static')
    return ok(
      'isolation',
      `static documents of all tenants share pages, each at most ${SHARED.documents} documents and ${SHARED.ms / 1000} s long; every other page belongs to one tenant`,
    );
  return warn(
    'isolation',
    'all tenants share pages: a document that breaks out of its page could meet those of others',
    'unset RENDER_ISOLATION, or set it to static, unless all documents are trusted',
  );
}

/** Documents may be hostile, and the vulnerabilities of an old Chromium are public. */
function checkChromiumAge(version: string): Check {
  const days = Math.floor((chromiumAgeSeconds(version, Date.now()) ?? 0) / 86_400);
  const message = `Chromium ${version}; its major version was released ${days} days ago, by the published cadence`;
  if (days <= CHROMIUM_MAX_AGE_DAYS) return ok('chromium age', message);
  const fix = 'npm install @sparticuz/chromium@latest, or set CHROME_PATH to a newer chrome-headless-shell';
  return warn('chromium age', message, fix);
}

const silent = () => createLogger({ level: 'silent', process: 'doctor', human: false, write: () => undefined });

async function checkRendering(config: Config, binary: ChromiumBinary, launcher: Launcher): Promise<Check> {
  const renderer = new Renderer(rendererOptions(config, binary, new Events(silent()), launcher));
  const parsed = parsePdfRequest({ html: '<h1>pdfprompt doctor</h1>', timeoutMs: 20_000 });
  if (!parsed.ok) throw new Error('the test document is not a valid request');
  await renderer.start();
  try {
    const startedAt = performance.now();
    const outcome = await new Deadline(30_000).race(
      'the test document',
      renderer.render(onlyPart(parsed.request), { tenant: 'doctor' }),
    );
    const ms = Math.round(performance.now() - startedAt);
    if (outcome.kind === 'done') return ok('rendering', `a test page of ${outcome.pdf.size} bytes in ${ms} ms`);
    return fail('rendering', reasonText(outcome));
  } finally {
    await renderer.stop();
  }
}
