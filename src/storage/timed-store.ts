import type { Queryable } from '../db/pools.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, OperatorError } from '../kernel/errors.ts';
import {
  type ByteRange,
  type Store,
  StoreFailure,
  type StoreFileBytes,
  type StoreKind,
  type StoreLink,
  UNREACHED_SECONDS,
  type WhichFile,
} from './store.ts';

/** Milliseconds in which a store has to make progress. */
const PROGRESS_MS = 30_000;
/** Milliseconds to look through a whole store. */
const SWEEP_MS = 600_000;

/** What is measured. `open`: until the first piece. */
export type StoreOperation = 'put' | 'open' | 'remove';
export type OnStoreOperation = (operation: StoreOperation, store: StoreKind, seconds: number) => void;

/** Another store, whose calls are measured and have a deadline: a hanging file system or server never answers. */
export class TimedStore implements Store {
  readonly kind: StoreKind;
  readonly location: string | null;
  readonly isInDatabase: boolean;
  readonly fullReason: string;
  readonly #store: Store;
  #probing: Promise<void> | undefined;
  readonly #onOperation: OnStoreOperation;
  readonly #progressMs: number;

  constructor(store: Store, onOperation: OnStoreOperation = () => undefined, progressMs = PROGRESS_MS) {
    this.#store = store;
    this.#onOperation = onOperation;
    this.#progressMs = progressMs;
    this.kind = store.kind;
    this.location = store.location;
    this.isInDatabase = store.isInDatabase;
    this.fullReason = store.fullReason;
  }

  async check(): Promise<void> {
    try {
      await new Deadline(this.#progressMs).race('checking the store', this.#store.check());
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      const cause = new StoreFailure('slow', error.message);
      throw new OperatorError(`PDF_STORE: ${this.location} does not answer`, { cause });
    }
  }

  /** Each chunk that the store takes is progress. @throws the reason of `signal` as soon as it is aborted */
  put(db: Queryable, fileId: string, { chunks, ...rest }: StoreFileBytes, signal?: AbortSignal): Promise<void> {
    const slow = new AbortController();
    const seconds = this.#progressMs / 1_000;
    const failure = new StoreFailure('slow', `the store has not taken anything for ${seconds} s`);
    const timer = setTimeout(() => slow.abort(failure), this.#progressMs);
    function* watched() {
      for (const chunk of chunks) {
        timer.refresh();
        yield chunk;
      }
      timer.refresh();
    }
    const bytes = { chunks: { [Symbol.iterator]: watched }, ...rest };
    const until = signal ? AbortSignal.any([signal, slow.signal]) : slow.signal;
    return this.#measured('put', async () => {
      try {
        // A statement of a transaction is not abandoned: it has time limits of its own.
        if (this.isInDatabase) await this.#store.put(db, fileId, bytes);
        else await unlessAborted([until], this.#store.put(db, fileId, bytes, until));
      } catch (error) {
        throw until.aborted ? until.reason : error;
      } finally {
        clearTimeout(timer);
      }
    });
  }

  measurePut<T>(statement: () => Promise<T>): Promise<T> {
    return this.#measured('put', statement);
  }

  async *open(db: Queryable, which: WhichFile, range?: ByteRange): AsyncIterable<Uint8Array> {
    const pieces = this.#store.open(db, which, range)[Symbol.asyncIterator]();
    const next = () => this.#answered('reading', () => pieces.next());
    let isOver = false;
    try {
      for (let piece = await this.#measured('open', next); !piece.done; piece = await next()) yield piece.value;
      isOver = true;
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      const retryAfterSeconds = UNREACHED_SECONDS;
      throw new CodedError('unavailable', 'the store of the PDF does not answer', { cause: error, retryAfterSeconds });
    } finally {
      if (!isOver) void pieces.return?.().catch(() => undefined); // not awaited: it may hang
    }
  }

  link(fileId: string, about: StoreLink): string | undefined {
    return this.#store.link?.(fileId, about);
  }

  remove(db: Queryable, fileIds: readonly string[]): Promise<void> {
    return this.#measured('remove', () => this.#answered('removing', () => this.#store.remove(db, fileIds)));
  }

  sweep(olderThanMs: number): Promise<number> {
    return this.#answered('sweeping', () => this.#store.sweep(olderThanMs), SWEEP_MS);
  }

  list(part: number, olderThanMs: number): Promise<string[]> {
    return this.#answered('listing', async () => (await this.#store.list?.(part, olderThanMs)) ?? [], SWEEP_MS);
  }

  probe(db: Queryable, bytes: number): Promise<void> {
    // One that hangs is not joined by another: each may hold a thread of the file system, or a connection.
    const probe = () =>
      (this.#probing ??= this.#store.probe(db, bytes).finally(() => {
        this.#probing = undefined;
      }));
    return this.#answered('a probe', probe);
  }

  /** @throws StoreFailure if it takes too long; except in the database, whose statements have time limits of their own */
  async #answered<T>(step: string, work: () => Promise<T>, limitMs = this.#progressMs): Promise<T> {
    if (this.isInDatabase) return work();
    try {
      return await new Deadline(limitMs).race(step, work());
    } catch (error) {
      throw error instanceof DeadlineExceeded ? new StoreFailure('slow', error.message, { cause: error }) : error;
    }
  }

  async #measured<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#onOperation(operation, this.kind, (performance.now() - startedAt) / 1_000);
    }
  }
}
