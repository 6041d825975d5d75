import { isUtf8 } from 'node:buffer';
import { read } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from 'yauzl';
import { fileNameProblem } from '../domain/file-name.ts';
import { messageOf, systemCodeOf } from '../kernel/errors.ts';

/** A zip that is broken, or has what no zip of a document has. The message names the entry. */
export class ZipRefused extends Error {
  override name = 'ZipRefused';
}

/** A file in a zip. */
export interface ZipEntry {
  /** its path, NFC, without the folder that all files are in */
  name: string;
  /** offsets of the first of its bytes, its header included, of its packed content, and of the end */
  headerStart: number;
  start: number;
  end: number;
  isDeflated: boolean;
  /** of the content, as the zip says */
  size: number;
  crc32: number;
}

/** Entries for each file that counts: folders, hidden files, and what macOS adds to each. */
const ENTRIES_PER_FILE = 4;
/** Of a file's mode: which bits are its type, and the types that are allowed besides none. */
const TYPE_BITS = 0o170_000;
const FOLDER_TYPE = 0o040_000;
const FILE_TYPE = 0o100_000;

/**
 * The files of a zip, in the order of their bytes. Hidden files and what macOS adds are left out.
 * @throws ZipRefused
 */
export async function zipEntries(
  handle: FileHandle,
  { maxFiles, signal }: { maxFiles: number; signal?: AbortSignal | undefined },
): Promise<ZipEntry[]> {
  const { size } = await handle.stat();
  const zip = await readable(fromRandomAccessReaderPromise(new HandleReader(handle, size), size, READING));
  zip.on('error', () => undefined); // those that matter reach `eachEntry`
  const listed: { entry: Entry; name: string }[] = [];
  const entries = zip.eachEntry();
  for (let count = 0; ; count++) {
    signal?.throwIfAborted();
    const next = await readable(entries.next());
    if (next.done) break;
    if (count >= maxFiles * ENTRIES_PER_FILE) throw tooMany(maxFiles);
    const entry = next.value;
    const name = nameOf(entry);
    const isFolder = name.endsWith('/');
    refuseKind(entry, name);
    const isCounted = checkPath(isFolder ? name.slice(0, -1) : name);
    if (isFolder || !isCounted) continue;
    if (listed.length === maxFiles) throw tooMany(maxFiles);
    listed.push({ entry, name });
  }
  const names = withoutTop(listed.map(({ name }) => name));
  refuseClashes(names);
  const files: ZipEntry[] = [];
  for (const [index, { entry }] of listed.entries()) {
    const name = names[index] as string;
    const { fileDataStart } = await readable(zip.readLocalFileHeaderPromise(entry, { minimal: true }), name);
    files.push({
      name,
      headerStart: entry.relativeOffsetOfLocalHeader,
      start: fileDataStart,
      end: fileDataStart + entry.compressedSize,
      isDeflated: entry.isCompressed(),
      size: entry.uncompressedSize,
      crc32: entry.crc32,
    });
  }
  files.sort((one, other) => one.headerStart - other.headerStart);
  // A small zip could have the same bytes 10,000 times.
  for (const [index, { name, headerStart }] of files.entries())
    if (headerStart < (files[index - 1]?.end ?? 0)) throw refused(name, 'its bytes are those of another entry');
  return files;
}

const READING = { lazyEntries: true, autoClose: false, decodeStrings: false, strictFileNames: true } as const;

/** yauzl's own readers let a position that is no file offset end the process. */
class HandleReader extends RandomAccessReader {
  readonly #handle: FileHandle;
  readonly #size: number;

  constructor(handle: FileHandle, size: number) {
    super();
    this.#handle = handle;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const isWithin = position >= 0 && position + length <= this.#size;
    if (!isWithin) return void setImmediate(callback, new ZipRefused('it is cut off, or points outside of itself'));
    read(this.#handle.fd, buffer, offset, length, position, callback);
  }
}

const tooMany = (maxFiles: number) => new ZipRefused(`it has too many files; allowed: ${maxFiles}`);
/** The refusal of one file. */
export const refused = (name: string, message: string) =>
  new ZipRefused(`${JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)}: ${message}`);

/** Zips of macOS have names in UTF-8 without saying so: what is UTF-8 is read as that, the rest as the old code page. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: Entry): string {
  const UTF8_FLAG = 0x800;
  const flag = isUtf8(fileNameRaw) ? UTF8_FLAG : generalPurposeBitFlag & UTF8_FLAG;
  const name = getFileNameLowLevel(flag, fileNameRaw, extraFields, true).normalize('NFC');
  if (name.includes('\uFFFD')) throw refused(name, 'the name is not valid UTF-8');
  return name;
}

/** @throws ZipRefused if it is neither a file nor a folder, or cannot be unpacked */
function refuseKind(entry: Entry, name: string): void {
  const type = (entry.externalFileAttributes >>> 16) & TYPE_BITS;
  if (![0, FILE_TYPE, FOLDER_TYPE].includes(type))
    throw refused(name, 'allowed: files and folders, no links or devices');
  if (entry.isEncrypted()) throw refused(name, 'it is encrypted; allowed: no password');
  if (!entry.canDecodeFileData())
    throw refused(name, `compression method ${entry.compressionMethod}; allowed: stored or deflated`);
}

/** @returns whether the file counts: none of its names is hidden @throws ZipRefused */
function checkPath(name: string): boolean {
  const parts = name.split('/');
  if (/(?:^|\/)[a-z]:/i.test(name) || name.includes('\\') || parts.some((part) => ['', '.', '..'].includes(part)))
    throw refused(name, 'allowed: a relative path with /, without drive, backslash, and empty, . or .. parts');
  if (parts[0] === '__MACOSX' || parts.some((part) => part.startsWith('.'))) return false;
  const problem = fileNameProblem(name);
  if (problem !== undefined) throw refused(name, problem);
  return true;
}

/** Without the folder that all are in, if there is one. */
function withoutTop(names: string[]): string[] {
  const top = names[0]?.slice(0, names[0].indexOf('/') + 1) ?? '';
  return top !== '' && names.every((name) => name.startsWith(top))
    ? names.map((name) => name.slice(top.length))
    : names;
}

/** @throws ZipRefused if a name is there twice, or as a file and as a folder */
function refuseClashes(list: readonly string[]): void {
  const names = new Set<string>();
  for (const name of list) {
    if (names.has(name)) throw refused(name, 'it is there twice');
    names.add(name);
  }
  for (const name of names)
    for (let end = name.indexOf('/'); end !== -1; end = name.indexOf('/', end + 1))
      if (names.has(name.slice(0, end))) throw refused(name.slice(0, end), 'it is a file and a folder');
}

/** The work of the library, with its errors as {@link ZipRefused}; those of the disk stay. */
async function readable<T>(work: Promise<T>, name?: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ZipRefused || systemCodeOf(error) !== undefined) throw error;
    const reason = `it is no zip that can be read: ${messageOf(error).slice(0, 200)}`;
    throw name === undefined ? new ZipRefused(reason) : refused(name, reason);
  }
}
