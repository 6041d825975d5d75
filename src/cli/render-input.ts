import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { messageOf, OperatorError } from '../kernel/errors.ts';

/** What an input of `render` is. Paths are as they were given. */
export type RenderInput =
  | { kind: 'url'; url: string }
  | { kind: 'stdin' }
  | { kind: 'zip'; path: string }
  | { kind: 'pdf'; path: string }
  | FolderInput;

/** A file and those of its folder, or a template. */
export type FolderInput =
  { kind: 'page' | 'markdown'; folder: string; name: string } | { kind: 'template'; folder: string };

/** What shows that a directory is a template. Without it and `--data`, `index.html` and `index.md` are not read as Liquid. */
const MARKS = ['template.json', 'schema.json', 'data.json', 'index.liquid'];
/** The document of a directory that is no template. */
const ENTRIES = ['index.html', 'index.md'];

const isUrl = (input: string) => /^https?:\/\//i.test(input) && URL.canParse(input);

/** @throws OperatorError for a directory without a document */
export async function inspectInput(input: string, { hasData }: { hasData: boolean }): Promise<RenderInput> {
  if (isUrl(input)) return { kind: 'url', url: input };
  if (input === '-') return { kind: 'stdin' };
  if ((await stat(input)).isDirectory()) return inspectFolder(input, { hasData });
  const extension = extname(input).toLowerCase();
  if (extension === '.zip') return { kind: 'zip', path: input };
  if (extension === '.pdf') return { kind: 'pdf', path: input };
  if (hasData || extension === '.liquid')
    throw new OperatorError(`a template is a directory; allowed: one with ${basename(input)} as index.html`);
  return { kind: extension === '.md' ? 'markdown' : 'page', folder: dirname(input), name: basename(input) };
}

/** @throws OperatorError without a document */
export async function inspectFolder(folder: string, { hasData }: { hasData: boolean }): Promise<FolderInput> {
  if (hasData || (await firstOf(folder, MARKS)) !== undefined) return { kind: 'template', folder };
  const name = await firstOf(folder, ENTRIES);
  if (name === undefined)
    throw new OperatorError(`it has no document; allowed: a directory with ${[...ENTRIES, 'index.liquid'].join(', ')}`);
  return { kind: name.endsWith('.md') ? 'markdown' : 'page', folder, name };
}

/** What a directory or a zip was taken for. @param dataFile of `--data` */
export async function describeInput(input: FolderInput, dataFile: string | undefined): Promise<string> {
  if (input.kind !== 'template')
    return `files, of which ${input.name} is the document; without ${MARKS.join(', ')} or --data it is no template`;
  if (dataFile !== undefined) return `a template, with the data of ${dataFile}`;
  const isThere = (await dataFileOf(input.folder, undefined)) !== undefined;
  return isThere ? 'a template, with its data.json' : 'a template without data: it has no data.json';
}

/** The data of a template: of `--data`, or its own `data.json`. */
export async function dataFileOf(folder: string, given: string | undefined): Promise<string | undefined> {
  return given ?? ((await firstOf(folder, ['data.json'])) && join(folder, 'data.json'));
}

/** @throws OperatorError that names the file and where it is wrong */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new OperatorError(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** The name of a PDF, without its extension. */
export async function nameOf(input: string): Promise<string> {
  if (input === '-') return 'stdin';
  if (isUrl(input)) {
    const { hostname, pathname } = new URL(input);
    return `${hostname}${pathname}`.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-|-$/g, '');
  }
  const isFolder = (await stat(input).catch(() => undefined))?.isDirectory() === true;
  return basename(resolve(input), isFolder ? '' : extname(input));
}

async function firstOf(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const stats = await stat(join(folder, name)).catch(() => undefined);
    if (stats?.isFile()) return name;
  }
  return undefined;
}
