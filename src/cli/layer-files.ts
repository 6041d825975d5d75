import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNameProblem } from '../domain/file-name.ts';

/** Names that are looked for: each costs a look at the disk. */
const MAX_NAMES = 200;
/** What may be a file's name in HTML or CSS. */
const NAME = /[\w./@%~+-]{1,200}/g;

/** The files of a folder that a document names, by their names. */
export async function filesOfLayer(html: string, folder: string): Promise<Map<string, string>> {
  const names = new Set<string>();
  for (const [text] of html.matchAll(NAME)) {
    const name = text.replace(/^\.?\//, '');
    if (/\.[a-z0-9]{2,5}$/i.test(name) && fileNameProblem(name) === undefined) names.add(name);
    if (names.size === MAX_NAMES) break;
  }
  const found = new Map<string, string>();
  for (const name of names) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined))?.isFile()) found.set(name, path);
  }
  return found;
}
