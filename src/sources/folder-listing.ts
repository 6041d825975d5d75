import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNameProblem } from '../domain/file-name.ts';
import type { Files, OpenedFile } from '../kernel/files.ts';
import { OperatorError } from '../kernel/errors.ts';
import { openInFolder } from './folder.ts';

/** A folder as a template: its files, by their paths in it, in alphabetical order. */
export class FolderFiles implements Files {
  readonly names: readonly string[];
  readonly #folder: string;
  /** as they are on disk: systems may keep names decomposed */
  readonly #onDisk: ReadonlyMap<string, string>;

  constructor(folder: string, onDisk: ReadonlyMap<string, string>) {
    this.#folder = folder;
    this.#onDisk = onDisk;
    this.names = [...onDisk.keys()].toSorted();
  }

  async open(name: string): Promise<OpenedFile | undefined> {
    const path = this.#onDisk.get(name);
    return path === undefined ? undefined : openInFolder(this.#folder, path.split('/'));
  }
}

/** Whether a file or a folder of this name is never part of a document's folder. */
export const isLeftOut = (name: string) => name.startsWith('.') || name === 'node_modules';

const isBeside = (name: string) => name === 'README.md' || name.toLowerCase().endsWith('.pdf');

/**
 * Lists what a template's folder has. Hidden files and `node_modules` are left out; and in the folder itself `README.md`,
 * which is for those who work on it, and PDFs: they were printed there, with somebody's data in them.
 * @throws OperatorError for a name that a template cannot have, and for more than `maxFiles`
 */
export async function listFolder(folder: string, maxFiles: number): Promise<FolderFiles> {
  const found = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      if (isLeftOut(entry.name) || (path === '' && isBeside(entry.name))) continue;
      const inside = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(inside);
      else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileWithin(folder, inside)))) {
        const name = inside.normalize('NFC');
        const problem = fileNameProblem(name);
        if (problem !== undefined) throw new OperatorError(`${inside}: ${problem}`);
        found.set(name, inside);
        if (found.size > maxFiles) throw new OperatorError(`it has more than ${maxFiles} files`);
      }
    }
  };
  await visit('');
  return new FolderFiles(folder, found);
}

/** Whether a link leads to a file of the folder. */
async function isFileWithin(folder: string, path: string): Promise<boolean> {
  const target = await realpath(join(folder, path)).catch(() => undefined);
  if (target === undefined || !target.startsWith(`${await realpath(folder)}/`)) return false;
  return (await stat(target)).isFile();
}
