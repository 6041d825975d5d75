import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { OperatorError } from '../kernel/errors.ts';
import { isLeftOut } from './folder-listing.ts';

/** Folders that are watched, at most: the system has a limit for all programs together. */
const MAX_FOLDERS = 1_000;
/** Milliseconds without another change after which one is reported: editors write a file in several steps. */
const QUIET_MS = 30;

export interface FolderWatchOptions {
  /** files, and folders with all that is below them, hidden files and `node_modules` excepted */
  paths: readonly string[];
  /** absolute paths whose changes are none, such as those of what is printed */
  ignored: ReadonlySet<string>;
  /** @param at when the first of the changes was noticed, by `performance.now()` */
  onChange: (at: number) => void;
  /** no longer everything is watched */
  onError: (error: Error) => void;
}

/**
 * Reports changes of files. Each folder is watched by itself: Node's recursive watch loses a file for good once an editor
 * has renamed another into its place.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  /** by absolute path; with the names that count if not all do */
  readonly #folders = new Map<string, { watcher: FSWatcher; names: Set<string> | undefined }>();
  #timer: NodeJS.Timeout | undefined;
  #renewals = 0;
  #since: number | undefined;
  #isClosed = false;

  private constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  /** Everything that changes afterwards is reported. @throws OperatorError for too many folders, or if a path is not there */
  static async start(options: FolderWatchOptions): Promise<FolderWatch> {
    const self = new FolderWatch(options);
    try {
      for (const path of options.paths.map((each) => resolve(each))) {
        self.#watchFolder(dirname(path), basename(path));
        if ((await stat(path)).isDirectory()) await self.#watchAll(path);
      }
    } catch (error) {
      self.close();
      throw error;
    }
    return self;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /** @param name the only one that counts, besides others of earlier calls; all of them if there is none */
  #watchFolder(folder: string, name?: string): void {
    const known = this.#folders.get(folder);
    if (known) {
      if (name === undefined) known.names = undefined;
      else known.names?.add(name);
      return;
    }
    if (this.#folders.size >= MAX_FOLDERS)
      throw new OperatorError(`--watch: there are more than ${MAX_FOLDERS} folders; allowed: a folder with fewer`);
    const watcher = watch(folder, (_event, changed) => this.#onEvent(folder, changed ?? ''));
    watcher.on('error', () => this.#forget(folder)); // it is no longer there
    this.#folders.set(folder, { watcher, names: name === undefined ? undefined : new Set([name]) });
  }

  /** Before it is listed it is watched, so that nothing comes in between. */
  async #watchAll(folder: string): Promise<void> {
    this.#watchFolder(folder);
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isDirectory() && !isLeftOut(entry.name)) await this.#watchAll(join(folder, entry.name));
  }

  #forget(folder: string): void {
    for (const [path, { watcher, names }] of this.#folders)
      if (names === undefined && (path === folder || path.startsWith(folder + sep))) {
        watcher.close();
        this.#folders.delete(path);
      }
  }

  #onEvent(folder: string, name: string): void {
    const names = this.#folders.get(folder)?.names;
    const path = join(folder, name);
    if (this.#isClosed || isLeftOut(name) || (names && !names.has(name)) || this.#options.ignored.has(path)) return;
    this.#renewals++;
    void this.#renew(path)
      .catch((error: Error) => {
        if (!this.#isClosed) this.#options.onError(error);
      })
      .finally(() => this.#renewals--);
    this.#wait();
  }

  /** Not before new folders are watched: what is in them already is then read, and what comes later is reported. */
  #wait(): void {
    clearTimeout(this.#timer);
    const since = (this.#since ??= performance.now());
    this.#timer = setTimeout(() => {
      if (this.#renewals > 0) return this.#wait();
      this.#since = undefined;
      this.#options.onChange(since);
    }, QUIET_MS);
  }

  /** A folder of this name is perhaps new, another one, or gone. */
  async #renew(path: string): Promise<void> {
    const isFolder = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (this.#isClosed || (!isFolder && !this.#folders.has(path))) return;
    this.#forget(path);
    if (isFolder && this.#isWithin(path)) await this.#watchAll(path).catch(unlessGone);
  }

  #isWithin(path: string): boolean {
    return this.#options.paths.map((each) => resolve(each)).some((each) => `${path}${sep}`.startsWith(each + sep));
  }
}

/** A folder may go while it is listed. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
