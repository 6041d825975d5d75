import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Config } from '../config/load.ts';
import { chromiumAgeSeconds, CHROMIUM_MAX_AGE_DAYS } from '../domain/chromium-age.ts';
import { reasonText } from '../domain/outcome.ts';
import { parsePdfRequest } from '../domain/pdf-request.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf } from '../kernel/errors.ts';
import { type ChromiumBinary, findChromium } from '../render/chromium-binary.ts';
import type { Launcher } from '../render/launcher.ts';
import { Renderer } from '../render/renderer.ts';
import { Events } from '../telemetry/events.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Check } from './check.ts';
import { checkDatabase } from './check-database.ts';
import { checkDisks } from './check-disks.ts';
import { createStore } from './compose.ts';
import type { Progress } from './database.ts';
import { buildLauncher, rendererOptions } from './worker.ts';

const run = promisify(execFile);

const ENOUGH_MEMORY_MB = 1_024;
/** Looks at everything that has to be there, and says what to do about what is not. */
export async function examine(config: Config, onProgress: Progress): Promise<Check[]> {
  return [
    checkNode(),
    await checkDataDir(config),
    ...(await checkDatabase(config, onProgress)),
    await checkStore(config),
    ...(await checkDisks(config)),
    ...(await checkChromium(config, onProgress)),
    checkMemory(),
    await checkFonts(),
  ];
}

function checkNode(): Check {
  return { name: 'node', status: 'ok', message: `Node ${process.versions.node}` }; // an older one never gets here
}

async function checkDataDir({ dataDir }: Config): Promise<Check> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
    return { name: 'data directory', status: 'ok', message: dataDir };
  } catch (error) {
    return {
      name: 'data directory',
      status: 'fail',
      message: `${dataDir} cannot be written: ${messageOf(error)}`,
      fix: 'set PDFPROMPT_DATA_DIR to a directory that can be written',
    };
  }
}

async function checkStore(config: Config): Promise<Check> {
  try {
    await createStore(config).check();
    return {
      name: 'pdf store',
      status: 'ok',
      message: config.pdfStore.kind === 'postgres' ? 'in Postgres' : config.pdfStore.directory,
    };
  } catch (error) {
    return {
      name: 'pdf store',
      status: 'fail',
      message: messageOf(error),
      fix: 'set PDF_STORE to postgres, or to a directory that can be written',
    };
  }
}

async function checkChromium(config: Config, onProgress: Progress): Promise<Check[]> {
  let binary: ChromiumBinary;
  try {
    binary = await findChromium({ ...config, onProgress });
  } catch (error) {
    const [message = '', ...fix] = messageOf(error).split('\n');
    return [
      {
        name: 'chromium',
        status: 'fail',
        message,
        fix: fix.join('\n') || 'correct CHROME_PATH, or unset it to have one looked for',
      },
    ];
  }
  const found: Check = {
    name: 'chromium',
    status: binary.kind === 'full' ? 'warn' : 'ok',
    message: `${binary.path} (${binary.source})`,
    ...(binary.kind === 'full' && { fix: 'npx puppeteer browsers install chrome-headless-shell' }),
  };
  try {
    const launcher = buildLauncher(config, binary, new Events(silent())); // one for both: the jail is tried out once
    return [found, ...(await checkConfinement(config, launcher)), await checkRendering(config, binary, launcher)];
  } catch (error) {
    const [message = '', ...fix] = messageOf(error).split('\n');
    return [found, { name: 'rendering', status: 'fail', message, ...(fix.length > 0 && { fix: fix.join('\n') }) }];
  }
}

/** Starts a browser as a worker would, which tries its jail and its sandbox from outside. */
async function checkConfinement(config: Config, launcher: Launcher): Promise<Check[]> {
  const chromium = await launcher.launch();
  await chromium.close();
  const { jail, reason, sandbox } = launcher.confinement ?? {};
  const opened = config.egress.rules.length === 0 ? '' : `, and EGRESS_ALLOW (${config.egress.rules.length})`;
  const egress = `documents reach ${config.egress.policy === 'public' ? 'the public internet' : 'nothing'}${opened}`;
  return [
    checkChromiumAge(chromium.version),
    sandbox === undefined
      ? { name: 'sandbox', status: 'warn', message: 'cannot be verified on this system, which has no /proc' }
      : sandbox
        ? { name: 'sandbox', status: 'ok', message: 'on: renderers run under seccomp' }
        : {
            name: 'sandbox',
            status: 'warn',
            message: 'off: a document that breaks Chromium has the rights of the worker',
            fix: 'allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), and unset CHROMIUM_UNSAFE_NO_SANDBOX',
          },
    jail === 'namespace'
      ? { name: 'jail', status: 'ok', message: `browsers have a network of their own; ${egress}` }
      : {
          name: 'jail',
          status: 'warn',
          message: `browsers are in the network of this machine, held back by a proxy alone${reason === undefined ? '' : ` (${reason})`}; ${egress}`,
          fix:
            config.renderJail === 'proxy'
              ? 'unset RENDER_JAIL'
              : 'allow unprivileged user namespaces, and install util-linux and iproute2',
        },
  ];
}

/** Documents are others' code: what is known to break an old Chromium is no secret. */
function checkChromiumAge(version: string): Check {
  const days = Math.floor((chromiumAgeSeconds(version, Date.now()) ?? 0) / 86_400);
  const message = `Chromium ${version}; its major version was released ${days} days ago, by the published cadence`;
  if (days <= CHROMIUM_MAX_AGE_DAYS) return { name: 'chromium age', status: 'ok', message };
  return {
    name: 'chromium age',
    status: 'warn',
    message,
    fix: 'npm install @sparticuz/chromium@latest, or set CHROME_PATH to a newer chrome-headless-shell',
  };
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
      renderer.render(parsed.request, { tenant: 'doctor' }),
    );
    if (outcome.kind === 'done')
      return {
        name: 'rendering',
        status: 'ok',
        message: `a test page of ${outcome.pdf.size} bytes in ${Math.round(performance.now() - startedAt)} ms`,
      };
    return { name: 'rendering', status: 'fail', message: reasonText(outcome) };
  } finally {
    await renderer.stop();
  }
}

function checkMemory(): Check {
  const megabytes = Math.round((process.constrainedMemory() || Number.MAX_SAFE_INTEGER) / 1024 / 1024);
  const available = Math.min(megabytes, Math.round(process.availableMemory() / 1024 / 1024));
  if (available < ENOUGH_MEMORY_MB)
    return {
      name: 'memory',
      status: 'warn',
      message: `${available} MB available`,
      fix: `give it ${ENOUGH_MEMORY_MB} MB, or lower BROWSER_POOL_SIZE and PDFPROMPT_WORKER_CONCURRENCY`,
    };
  return { name: 'memory', status: 'ok', message: `${available} MB available` };
}

/** Scripts that documents use and the Debian package that brings them. */
const FONTS = [
  { lang: 'en', name: 'Latin', package: 'fonts-dejavu-core' },
  { lang: 'zh-cn', name: 'Chinese, Japanese, Korean', package: 'fonts-noto-cjk' },
  { lang: 'ar', name: 'Arabic', package: 'fonts-noto-core' },
  { lang: 'und-zsye', name: 'emoji', package: 'fonts-noto-color-emoji' },
] as const;

async function checkFonts(): Promise<Check> {
  try {
    const missing = [];
    for (const font of FONTS) {
      const { stdout } = await run('fc-list', [`:lang=${font.lang}`, 'family']);
      if (stdout.trim() === '') missing.push(font);
    }
    if (missing.length === 0) return { name: 'fonts', status: 'ok', message: 'Latin, CJK, Arabic and emoji' };
    return {
      name: 'fonts',
      status: 'warn',
      message: `none for ${missing.map((font) => font.name).join('; ')}: such text comes out as boxes unless the document brings its fonts`,
      fix: `apt-get install ${missing.map((font) => font.package).join(' ')}`,
    };
  } catch {
    return {
      name: 'fonts',
      status: 'warn',
      message: 'fontconfig is not installed: documents get one Latin font, unless they bring theirs',
      fix: 'apt-get install fontconfig fonts-dejavu-core fonts-noto-cjk fonts-noto-core fonts-noto-color-emoji',
    };
  }
}
