import { realpathSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatorError } from '../../kernel/errors.ts';

/** A directory with fonts. */
export interface FontPlace {
  /** `system`: the browser finds it by itself */
  kind: 'FONTS_DIR' | 'package' | 'system';
  directory: string;
}

const FONT_NAME = /\.(?:ttf|otf|ttc|otc|woff2?)$/i;
/** Of one place; more are not read. */
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 12;

/** Packages of npm that bring whole fonts, each in a scope, and how their names begin. */
const PACKAGES = [
  { scope: '@expo-google-fonts', prefix: '' },
  { scope: '@embedpdf', prefix: 'fonts-' },
];

/** @throws OperatorError if FONTS_DIR cannot be read */
export async function fontPlaces(fontsDir: string | undefined, base: string | undefined): Promise<FontPlace[]> {
  const places: FontPlace[] = [];
  if (fontsDir !== undefined) {
    await readdir(fontsDir).catch((cause: unknown) => {
      throw new OperatorError(
        `FONTS_DIR: ${fontsDir} cannot be read; allowed: a directory with .ttf, .otf or .ttc files`,
        {
          cause,
        },
      );
    });
    places.push({ kind: 'FONTS_DIR', directory: fontsDir });
  }
  for (const directory of await packages()) places.push({ kind: 'package', directory });
  for (const directory of await systemDirectories(base)) places.push({ kind: 'system', directory });
  return places;
}

/** Installed beside this program: in a node_modules above one of its folders. */
async function packages(): Promise<string[]> {
  const found: string[] = [];
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at))
    for (const { scope, prefix } of PACKAGES) {
      const folder = join(at, 'node_modules', scope);
      const names = await readdir(folder).catch(() => []);
      found.push(...names.filter((name) => name.startsWith(prefix)).map((name) => join(folder, name)));
    }
  return found.toSorted();
}

/** The directories of a configuration of fontconfig. Those below the home are empty for the browser, which has its own. */
async function systemDirectories(base: string | undefined): Promise<string[]> {
  const text = base === undefined ? '' : await readFile(base, 'utf8').catch(() => '');
  const directories = [...text.matchAll(/<dir>\s*(\/[^<]*)<\/dir>/g)].map(([, directory = '']) => directory.trim());
  return directories.length > 0 ? directories : ['/usr/share/fonts', '/usr/local/share/fonts'];
}

export interface FoundFile {
  path: string;
  size: number;
  mtimeMs: number;
}

/**
 * The font files of a place and its folders, by name. Folders and files whose name begins with a dot are left out.
 * @param onProblem called for a file that is left out for another reason
 */
export async function fontFiles(
  { kind, directory }: FontPlace,
  onProblem: (path: string, problem: string) => void,
): Promise<FoundFile[]> {
  const root = await realpath(directory).catch(() => undefined);
  const found: FoundFile[] = [];
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    const names = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of names.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (++entries > MAX_ENTRIES) return;
      const path = join(folder, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory() && depth < MAX_DEPTH) await walk(path, depth + 1);
      else if (FONT_NAME.test(entry.name) && (entry.isFile() || entry.isSymbolicLink()))
        await add(path, entry.isSymbolicLink());
    }
  };
  const add = async (path: string, isLink: boolean) => {
    if (isLink && kind !== 'system' && !isWithin(path, root)) return onProblem(path, 'it leads out of its directory');
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isFile()) found.push({ path, size: stats.size, mtimeMs: stats.mtimeMs });
  };
  if (root !== undefined) await walk(directory, 0);
  if (entries > MAX_ENTRIES) onProblem(directory, `it has more than ${MAX_ENTRIES} files; the rest is not used`);
  return found;
}

function isWithin(path: string, root: string | undefined): boolean {
  try {
    return root !== undefined && realpathSync(path).startsWith(root + sep);
  } catch {
    return false; // it leads nowhere
  }
}
