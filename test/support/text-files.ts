import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', 'secrets']);
const TEXT = new Set([
  '.md',
  '.ts',
  '.js',
  '.sql',
  '.yml',
  '.yaml',
  '.sh',
  '.cfg',
  '.css',
  '.example',
  '.svg',
  '.html',
]);
const TEXT_WITHOUT_EXTENSION = new Set(['Dockerfile', 'run']);

/** Every path of the checkout, folders with a slash at the end: `docs/`, `docs/README.md`. */
export function listPaths(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .flatMap((entry) => {
      const path = folder + entry.name;
      return entry.isDirectory() ? [`${path}/`, ...listPaths(`${path}/`)] : [path];
    });
}

/** The text of every file of the checkout that people write, by its path. */
export function readTexts(): Map<string, string> {
  const isText = (path: string) => TEXT.has(extname(path)) || TEXT_WITHOUT_EXTENSION.has(basename(path));
  return new Map(
    listPaths()
      .filter((path) => !path.endsWith('/') && isText(path))
      .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
  );
}
