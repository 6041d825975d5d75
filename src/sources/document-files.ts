import { createHash } from 'node:crypto';
import type { FileSet } from '../egress/served-origin.ts';
import type { Files } from '../kernel/files.ts';
import { readFile } from './read-file.ts';
import { refersAcross } from './refers-across.ts';
import type { Content } from './source-type.ts';

/** Bytes of a style sheet; a larger one is not looked at. */
const MAX_STYLES = 1024 * 1024;
/** Sets of files about which is remembered whether they are bound to their origin. */
const MAX_REMEMBERED = 1_000;

/**
 * HTML and the files beside it. Of files with the same name, the one in the folder that comes first is meant.
 * @param entry where the document is, as a path in a URL
 */
export async function htmlWithFiles(
  html: string,
  folders: readonly (Files | undefined)[],
  entry = '/',
): Promise<Content> {
  const present = folders.filter((files) => files !== undefined && files.names.length > 0) as Files[];
  if (present.length === 0) return { html };
  const files = inOrder(present);
  return { html, files: fileSet(html, files, entry), isBound: await isBound(files) };
}

function fileSet(html: string, files: Files, entry: string): FileSet {
  const bytes = Buffer.from(html.replace(/^\uFEFF/, ''));
  const document = { type: 'text/html; charset=utf-8', size: bytes.byteLength, content: bytes };
  return {
    entry,
    key: files.key,
    file: async (path) => {
      if (path === entry) return document;
      const name = fileNameOf(path);
      return name === undefined ? undefined : files.open(name);
    },
  };
}

/** The name of a file in its folder for a path as in a URL: `/a%20b.png`. @returns undefined if it is wrongly encoded */
function fileNameOf(path: string): string | undefined {
  try {
    return decodeURIComponent(path.replace(/^\/+/, '')).normalize('NFC');
  } catch {
    return undefined;
  }
}

function inOrder(folders: readonly Files[]): Files {
  const [only] = folders;
  if (only && folders.length === 1) return only;
  const owners = new Map<string, Files>();
  for (const files of folders.toReversed()) for (const name of files.names) owners.set(name, files);
  const keys = folders.map(({ key }) => key);
  const isKnown = keys.every((key) => key !== undefined);
  return {
    key: isKnown ? createHash('sha256').update(keys.join()).digest('hex') : undefined,
    names: [...owners.keys()],
    open: async (name) => owners.get(name)?.open(name),
  };
}

const remembered = new Map<string, boolean>();

/** Whether a style sheet among the files refers to a part of another file, such as a filter in an SVG. */
async function isBound(files: Files): Promise<boolean> {
  const known = files.key === undefined ? undefined : remembered.get(files.key);
  if (known !== undefined) return known;
  let found = false;
  for (const name of files.names) {
    if (found || !name.toLowerCase().endsWith('.css')) continue;
    const bytes = await readFile(files, name, MAX_STYLES);
    found = !bytes || refersAcross(bytes.toString('latin1'));
  }
  if (files.key === undefined) return found;
  const [oldest] = remembered.keys();
  if (oldest !== undefined && remembered.size >= MAX_REMEMBERED) remembered.delete(oldest);
  remembered.set(files.key, found);
  return found;
}
