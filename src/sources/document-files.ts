import type { Files, OpenedFile } from '../kernel/files.ts';
import type { FileSet } from '../egress/served-origin.ts';
import type { Content } from './source-type.ts';

/** Where a document is that is none of the files. */
const ENTRY = '/';

/** HTML and the files beside it, in folders that come first in the list where they have the same names. */
export function htmlWithFiles(html: string, folders: readonly (Files | undefined)[]): Content {
  const present = folders.filter((files) => files !== undefined && files.names.length > 0);
  if (present.length === 0) return { html };
  const bytes = Buffer.from(html.replace(/^\uFEFF/, ''));
  const document = { type: 'text/html; charset=utf-8', size: bytes.byteLength, content: bytes };
  return { files: fileSet(ENTRY, document, inOrder(present as Files[])) };
}

/** A file that is the document, and the others. @param entry its path in the folder */
export function fileSet(entry: string, document: OpenedFile, files: Files): FileSet {
  return {
    entry,
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
  const owners = new Map<string, Files>();
  for (const files of folders.toReversed()) for (const name of files.names) owners.set(name, files);
  return {
    names: [...owners.keys()],
    open: async (name) => owners.get(name)?.open(name),
  };
}
