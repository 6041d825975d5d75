import { execFile } from 'node:child_process';
import { constants, createReadStream, createWriteStream, existsSync } from 'node:fs';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';
import { OperatorError } from '../kernel/errors.ts';
import { isReachable, reachableDirectory } from '../kernel/privileges.ts';
import { chromiumIdentity } from './chromium-identity.ts';

const run = promisify(execFile);

export interface ChromiumBinary {
  path: string;
  /** `full`: regular Chrome, which prints 3–4 times slower and leaks more memory */
  kind: 'headless-shell' | 'full';
  /** where it was found, for messages */
  source: string;
  /** environment variables that it needs */
  env: Record<string, string>;
  /** lower-case names of the font families that it finds; undefined if that is not known */
  fontNames?: ReadonlySet<string>;
}

interface FindOptions {
  chromePath: string | undefined;
  dataDir: string;
  /** whether to unpack the files for WebGL too */
  webgl?: boolean;
  /** called before a step that takes long, such as unpacking */
  onProgress?: ((message: string) => void) | undefined;
}

const SEARCH_PATH = ['/usr/bin', '/usr/local/bin', '/usr/lib/chromium', '/opt/google/chrome', '/headless-shell'];
const SHELL_NAMES = ['chrome-headless-shell', 'chromium-headless-shell', 'headless-shell', 'headless_shell'];
const FULL_NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/**
 * Finds the browser; the first of these: `CHROME_PATH`, puppeteer's chrome-headless-shell, the system's headless shell,
 * the binary of the npm package `@sparticuz/chromium`, full Chrome.
 * @throws OperatorError with what to install if there is none
 */
export async function findChromium(options: FindOptions): Promise<ChromiumBinary> {
  const found = await search(options);
  return { ...found, path: await reachableCopy(found.path, options) };
}

async function search(options: FindOptions): Promise<ChromiumBinary> {
  if (options.chromePath !== undefined) {
    const path = resolve(options.chromePath);
    if (!(await isExecutable(path)))
      throw new OperatorError(
        `CHROME_PATH: ${path} is not a program that can be run; allowed: the path of a chrome-headless-shell or Chrome`,
      );
    const kind = /headless[-_]shell/.test(basename(path)) ? 'headless-shell' : 'full';
    return { path, kind, source: 'CHROME_PATH', env: {} };
  }
  const shells = { kind: 'headless-shell', env: {} } as const;
  const puppeteers = await puppeteerShell();
  if (puppeteers) return { ...shells, path: puppeteers, source: "puppeteer's chrome-headless-shell" };
  const shell = await firstProgram(SHELL_NAMES);
  if (shell) return { ...shells, path: shell, source: "the system's headless shell" };
  const packaged = await packagedShell(options);
  if (packaged) return packaged;
  const path = (await firstProgram(FULL_NAMES)) ?? (existsSync(MAC_CHROME) ? MAC_CHROME : undefined);
  const source = 'full Chrome (slower: a headless shell prints 3–4 times faster)';
  if (path) return { path, kind: 'full', source, env: {} };
  throw new OperatorError(
    'There is no Chromium here. Type one of:\n' +
      '  npm install @sparticuz/chromium                              (Linux x64)\n' +
      '  npx puppeteer browsers install chrome-headless-shell\n' +
      '  apt-get install chromium-headless-shell                      (Debian)\n' +
      'or set CHROME_PATH to a chrome-headless-shell or Chrome of yours.',
  );
}

async function isExecutable(path: string): Promise<boolean> {
  const stats = await access(path, constants.X_OK).then(
    () => stat(path),
    () => undefined,
  );
  return stats?.isFile() ?? false;
}

async function firstProgram(names: string[]): Promise<string | undefined> {
  for (const path of names.flatMap((name) => SEARCH_PATH.map((directory) => join(directory, name))))
    if (await isExecutable(path)) return path;
  return undefined;
}

async function puppeteerShell(): Promise<string | undefined> {
  const cache = join(homedir(), '.cache', 'puppeteer');
  if (!existsSync(cache)) return undefined; // avoids loading puppeteer
  try {
    const { default: puppeteer } = await import('puppeteer');
    const path = await puppeteer.executablePath({ headless: 'shell' });
    return (await isExecutable(path)) ? path : undefined;
  } catch {
    return undefined; // thrown if its browser was not downloaded
  }
}

/**
 * The binary of `@sparticuz/chromium`, unpacked once where no other user can write. Its own arguments turn the sandbox
 * off and are not used. Its libraries and fonts are used only where the system has none.
 */
async function packagedShell({ dataDir, webgl, onProgress }: FindOptions): Promise<ChromiumBinary | undefined> {
  let root: string;
  try {
    root = resolve(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..');
  } catch {
    return undefined;
  }
  if (process.platform !== 'linux' || !existsSync(join(root, 'bin', 'chromium.br'))) return undefined;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const home = join(await reachableDirectory(dataDir, 'chromium', chromiumIdentity()), version);
  const path = join(home, 'headless-shell');
  if (!existsSync(path)) {
    onProgress?.('Unpacking Chromium');
    const draft = `${home}.${process.pid}`;
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { recursive: true, mode: 0o755 });
    await unpackFile(join(root, 'bin', 'chromium.br'), join(draft, 'headless-shell'));
    await unpackTar(join(root, 'bin', 'fonts.tar.br'), join(draft, 'fonts'));
    await writeFile(join(draft, 'fonts', 'fonts.conf'), fontsConf(join(home, 'fonts')));
    if (!(await runs(join(draft, 'headless-shell')))) await unpackTar(join(root, 'bin', 'al2023.tar.br'), draft);
    await rename(draft, home).catch(async (error: unknown) => {
      await rm(draft, { recursive: true, force: true });
      if (!existsSync(path)) throw error; // otherwise another process was faster
    });
  }
  if (webgl) await unpackSwiftShader(join(root, 'bin', 'swiftshader.tar.br'), home);
  const env: Record<string, string> = {};
  if (existsSync(join(home, 'lib'))) env.LD_LIBRARY_PATH = join(home, 'lib');
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = join(home, 'fonts');
  return { path, kind: 'headless-shell', source: `@sparticuz/chromium ${version}`, env };
}

/** Next to Chromium's binary. Each file is renamed into place, since other processes may unpack at the same time. */
async function unpackSwiftShader(archive: string, home: string): Promise<void> {
  if (existsSync(join(home, 'vk_swiftshader_icd.json'))) return;
  const draft = `${home}.${process.pid}`;
  await unpackTar(archive, draft);
  // Sorted, so that the file whose existence is checked above comes last.
  for (const name of (await readdir(draft)).toSorted()) await rename(join(draft, name), join(home, name));
  await rm(draft, { recursive: true, force: true });
}

const fontsConf = (directory: string) =>
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${directory}</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n`;

async function unpackFile(source: string, target: string): Promise<void> {
  await pipeline(createReadStream(source), createBrotliDecompress(), createWriteStream(target));
  await chmod(target, 0o755);
}

async function unpackTar(source: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const archive = join(directory, basename(source, '.br'));
  await unpackFile(source, archive);
  // From a file, since tar stops reading at the end mark, which makes a pipe fail.
  await run('tar', ['-x', '--no-same-owner', '-C', directory, '-f', archive]);
  await rm(archive);
}

/** What the program says of itself: `Google Chrome for Testing 140.0.7339.82`. @returns undefined if it does not run */
export async function chromiumVersion({ path, env }: ChromiumBinary): Promise<string | undefined> {
  const options = { timeout: 20_000, env: { PATH: '/usr/bin:/bin', ...env } };
  return run(path, ['--version'], options).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

async function runs(path: string): Promise<boolean> {
  return run(path, ['--version'], { timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}

/** Copies the binary if Chromium's user, who is another one for root, cannot access its directory. */
async function reachableCopy(path: string, { dataDir, onProgress }: FindOptions): Promise<string> {
  const identity = chromiumIdentity();
  if (!identity || isReachable(path, identity)) return path;
  const { mtimeMs, size } = await stat(path);
  const home = join(await reachableDirectory(dataDir, 'chromium', identity), `copy-${size}-${Math.round(mtimeMs)}`);
  if (!existsSync(home)) {
    onProgress?.('Copying Chromium to a directory that its user can access');
    const draft = `${home}.${process.pid}`;
    await cp(dirname(path), draft, { recursive: true });
    await chmod(draft, 0o755);
    await rename(draft, home);
  }
  return join(home, basename(path));
}
