import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { mediaTypeOf } from '../domain/media-type.ts';
import type { FileSet, ServedFile } from '../egress/served-origin.ts';

export interface FolderDocument {
  /** the base of the document's relative URLs */
  folder: string;
  /** of the document's file in it */
  name: string;
  bytes: Uint8Array;
  /** of the bytes, by its WHATWG name */
  encoding: string;
}

/** A document and the files of its folder. */
export function folderFiles({ folder, name, bytes, encoding }: FolderDocument): FileSet {
  const entry = `/${encodeURIComponent(name)}`;
  const document = { type: `text/html; charset=${encoding}`, size: bytes.byteLength, content: bytes };
  const open = (path: string) => openInFolder(folder, path.split('/').filter(Boolean).map(decodeURIComponent));
  return { entry, file: async (path) => (path === entry ? document : open(path)) };
}

/**
 * Opens a file of a folder. @param names of the folders in it, and of the file
 * @throws if there is none
 */
export async function openInFolder(folder: string, names: string[]): Promise<ServedFile | undefined> {
  const found = await pathWithin(folder, names);
  if (found === undefined) return undefined;
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const file = await open(found, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  const { size } = stats;
  const type = mediaTypeOf(found) ?? 'application/octet-stream'; // of these the browser recognizes pictures and fonts
  if (stats.isFile() && size > 0) return { type, size, content: file.createReadStream({ end: size - 1 }) };
  await file.close();
  return stats.isFile() ? { type, size, content: new Uint8Array() } : undefined;
}

/**
 * The path of a file, if it is in the folder after following links, and neither the file nor a directory in the path is
 * hidden: names that begin with a dot are rarely part of a document and often secrets.
 * @throws if there is none
 */
async function pathWithin(folder: string, names: string[]): Promise<string | undefined> {
  if (names.some((name) => name.startsWith('.') || /[/\\\0]/.test(name))) return undefined;
  const root = await realpath(folder);
  const path = await realpath(join(root, ...names));
  const within = path.startsWith(root.endsWith(sep) ? root : root + sep) ? path.slice(root.length) : undefined;
  return within === undefined || within.split(sep).some((name) => name.startsWith('.')) ? undefined : path;
}
