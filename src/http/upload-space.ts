import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskRoom, NO_ROOM, shortageOf } from '../kernel/disk.ts';
import { CodedError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { isAlive } from '../kernel/processes.ts';
import { MEGABYTE } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';

/** A file on disk, for as long as its request lasts. */
export interface SavedFile {
  /** where it is on disk */
  path: string;
  /** bytes */
  size: number;
  /** lower-case hex */
  sha256: string;
}

interface UploadSpaceOptions {
  /** bytes of one request, and of what its zips contain, at most */
  maxBytes: number;
  /** files of one request, at most */
  maxFiles: number;
  events: Events;
}

/** Of the largest request: what one tenant, and all together, may have in temporary files. */
const TENANT_SHARE = 3;
const TOTAL_SHARE = 10;

const PREFIX = 'pdfprompt-uploads-';
/** In the names of this process's folders: in a container the next process has the same pid. */
const OWNER = `${process.pid}-${randomBytes(6).toString('hex')}`;
/** What the system says when there is no place for files. */
const NO_PLACE = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EMFILE', 'ENFILE', 'EIO']);

/** Temporary folders for what is sent, one for each request. At the start it removes those of ended processes. */
export class UploadSpace extends Lifecycle<UploadSpaceOptions> {
  /** by tenant, and all */
  readonly #bytes = new Map<string, number>();
  #total = 0;

  get maxBytes(): number {
    return this.options.maxBytes;
  }

  get maxFiles(): number {
    return this.options.maxFiles;
  }

  protected async onStart(): Promise<void> {
    const names = await readdir(tmpdir()).catch(() => []);
    const left = names.filter((name) => name.startsWith(PREFIX) && !isInUse(name.slice(PREFIX.length)));
    await Promise.all(left.map((name) => remove(join(tmpdir(), name))));
  }

  /**
   * Runs `work` with a folder, which is removed afterwards with all that is in it.
   * @param userId whose files they are
   * @throws CodedError `unavailable` if there is no room; `too_much_under_way`
   */
  async within<T>(userId: string, work: (folder: UploadFolder) => Promise<T>): Promise<T> {
    let folder: UploadFolder | undefined;
    try {
      checkRoom(tmpdir());
      const path = await mkdtemp(join(tmpdir(), `${PREFIX}${OWNER}-`));
      folder = new UploadFolder(path, (bytes) => this.#take(userId, bytes));
      return await work(folder);
    } catch (error) {
      if (error instanceof CodedError || !NO_PLACE.has(systemCodeOf(error) ?? '')) throw error;
      this.options.events.backgroundFailed('keeping what is sent in temporary files', error);
      throw noRoom(error);
    } finally {
      if (folder) {
        await remove(folder.path);
        this.#take(userId, -folder.bytes);
      }
    }
  }

  /** @throws CodedError */
  #take(userId: string, bytes: number): void {
    const { maxBytes } = this.options;
    const own = (this.#bytes.get(userId) ?? 0) + bytes;
    if (bytes > 0 && own > TENANT_SHARE * maxBytes)
      throw new CodedError('too_much_under_way', '(body): files of yours that came before are still being worked on', {
        retryAfterSeconds: 1,
      });
    if (bytes > 0 && this.#total + bytes > TOTAL_SHARE * maxBytes) throw noRoom();
    this.#total += bytes;
    if (own === 0) this.#bytes.delete(userId);
    else this.#bytes.set(userId, own);
  }
}

/** The files of one request. */
export class UploadFolder {
  readonly path: string;
  /** of all files in it */
  bytes = 0;
  readonly #onBytes: (bytes: number) => void;
  #count = 0;

  constructor(path: string, onBytes: (bytes: number) => void) {
    this.path = path;
    this.#onBytes = onBytes;
  }

  /** A path for a new file. */
  nextPath(): string {
    return join(this.path, String(this.#count++));
  }

  /** Counts bytes that will be written. @throws CodedError `unavailable`, `too_much_under_way` */
  readonly take = (bytes: number): void => {
    const megabytes = Math.floor(this.bytes / MEGABYTE);
    this.#onBytes(bytes);
    this.bytes += bytes;
    if (Math.floor(this.bytes / MEGABYTE) > megabytes) checkRoom(this.path);
  };

  /** Writes a file. @throws CodedError as {@link take}; what `content` throws */
  async save(content: AsyncIterable<Buffer>): Promise<SavedFile> {
    const path = this.nextPath();
    const hash = createHash('sha256');
    const file = await open(path, 'wx', 0o600);
    let size = 0;
    try {
      for await (const piece of content) {
        this.take(piece.byteLength);
        size += piece.byteLength;
        hash.update(piece);
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
    return { path, size, sha256: hash.digest('hex') };
  }
}

/** @param owner the rest of a folder's name: pid, process, random characters */
function isInUse(owner: string): boolean {
  const pid = Number.parseInt(owner, 10);
  return pid === process.pid ? owner.startsWith(`${OWNER}-`) : isAlive(pid);
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

function checkRoom(path: string): void {
  const room = diskRoom(path);
  if (room && shortageOf(room, NO_ROOM) !== undefined) throw noRoom();
}

const noRoom = (cause?: unknown) =>
  new CodedError('unavailable', 'there is no room for files at the moment; try again shortly', {
    cause,
    retryAfterSeconds: 1,
  });
