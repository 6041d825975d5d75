import { createHash } from 'node:crypto';
import { mediaTypeOf, UNKNOWN_TYPE } from '../domain/media-type.ts';
import type { FileInput } from '../domain/source.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import type { StoreFileBytes } from '../storage/store.ts';

/** Files that are stored at a time, of one request. */
const SLOTS = 4;

export interface FileToPut {
  /** media type */
  type: string;
  bytes: StoreFileBytes;
}

type Files = Readonly<Record<string, FileInput>>;

/**
 * Stores the files of a request that are in it.
 * @param put stores one
 * @param uploaded files that were sent beside it, by their hash; each that the request names is stored too
 * @returns the assets that the files are, by their paths; lower-case hex
 * @throws what `put` throws
 */
export async function putSentFiles(
  put: (file: FileToPut) => Promise<unknown>,
  files: Files,
  uploaded: ReadonlyMap<string, FileToPut> = new Map(),
): Promise<Record<string, string>> {
  const toPut = new Map<string, FileToPut>();
  const ids = Object.entries(files).map(([path, file]): [string, string] => {
    if (typeof file === 'string') {
      const sent = uploaded.get(file);
      if (sent) toPut.set(file, sent);
      return [path, file];
    }
    const content = 'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const bytes = { chunks: [content], size: content.byteLength, sha256 };
    toPut.set(sha256, { type: mediaTypeOf(path) ?? UNKNOWN_TYPE, bytes });
    return [path, sha256];
  });
  await forEachInSlots(toPut.values(), SLOTS, async (file) => {
    await put(file);
  });
  return Object.fromEntries(ids);
}

/** Assets by paths, of each part of a request and, last, of its result; undefined: none. */
export type RequestAssets = readonly (Readonly<Record<string, string>> | undefined)[];

/** The same for a whole request, whose parts may share files: each is stored once. @throws what `put` throws */
export async function putFilesOfParts(
  put: (file: FileToPut) => Promise<unknown>,
  files: readonly (Files | undefined)[],
  uploaded?: ReadonlyMap<string, FileToPut>,
): Promise<RequestAssets> {
  const keyed = files.flatMap((each = {}, index) => Object.entries(each).map(([path, file]) => [`${index}/${path}`, file] as const)); // prettier-ignore
  const ids = await putSentFiles(put, Object.fromEntries(keyed), uploaded);
  return files.map((each, index) => each && mapped(each, (path) => ids[`${index}/${path}`] ?? ''));
}

function mapped(files: Files, idOf: (path: string) => string): Record<string, string> {
  return Object.fromEntries(Object.keys(files).map((path) => [path, idOf(path)]));
}
