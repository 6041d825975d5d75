import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { CodedError } from '../kernel/errors.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { FairShares } from '../kernel/fair-shares.ts';
import { CHUNK_BYTES } from '../storage/store.ts';

/** Bytes; a tenant's larger bodies are processed one after the other. */
export const LARGE_BODY_BYTES = 65_536;
/** Milliseconds that a request waits behind other requests of its tenant, at most. */
const LINE_MS = 30_000;
/** Requests of a tenant that begin in one turn of the event loop: even a refusal costs time. */
const PACE = 4;
/** Milliseconds that an answer waits until the rest of the body is discarded, at most. */
const DRAIN_MS = 5_000;
/** Bytes of bodies, and of PDFs, that a tenant may have in memory: two of the largest bodies, or 1/8 of the total. */
const TENANT_BYTES = 20 * 1024 * 1024;
const TENANT_PART = 8;
/** Chunks of a PDF in memory while it is sent: one in the socket, and the next one. */
const PIECES = 2;

/** Batches that are checked and written at a time: each takes seconds of a core, and then a connection. */
const BATCHES = 2;

/** The largest requests with files that a tenant may send at a time. */
const TENANT_UPLOADS = 2;

interface UnderWayOptions {
  /** database connections: for writes, and for reads of tenants */
  connections: { main: number; reads: number };
  /** HTTP connections */
  maxConnections: number;
  /** for bodies, and the same again for PDFs that are being sent */
  maxBufferedBytes: number;
  /** of a request with files */
  maxUploadBytes: number;
}

/**
 * What each tenant has in progress in this process. A tenant has a share of each common resource: database
 * connections, memory, requests. A request beyond the share waits for earlier requests of the same tenant. The
 * shares are small enough that several blocked tenants leave enough for the others.
 */
export class UnderWay {
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  readonly #requests = new Map<string, number>();
  readonly #paced = new FairShares(PACE, LINE_MS);
  readonly #drained = new FairShares(1, DRAIN_MS);
  readonly #reads: FairShares;
  readonly #writes: FairShares;
  readonly #large = new FairShares(1, LINE_MS);
  readonly #largeInAll: Semaphore;
  readonly #bodies: FairShares;
  readonly #downloads: FairShares;
  readonly #uploads: FairShares;
  readonly #batches = new FairShares(1, LINE_MS);
  readonly #batchesInAll = new Semaphore(BATCHES, LINE_MS);
  #bodyBytes = 0;
  #downloadBytes = 0;

  constructor({ connections: { main, reads }, maxConnections, maxBufferedBytes, maxUploadBytes }: UnderWayOptions) {
    this.#maxRequests = Math.max(1, Math.floor(maxConnections / 2));
    this.#maxBytes = maxBufferedBytes;
    // A lock can block writes: three tenants may be blocked at a time. Reads wait for no lock.
    this.#writes = new FairShares(Math.max(1, Math.floor(main / 3)), LINE_MS);
    this.#reads = new FairShares(Math.max(1, Math.floor((2 * reads) / 3)), LINE_MS);
    this.#largeInAll = new Semaphore(Math.max(2, Math.floor(main / 3)), LINE_MS);
    const bytes = Math.max(TENANT_BYTES, Math.floor(maxBufferedBytes / TENANT_PART));
    this.#bodies = new FairShares(bytes, LINE_MS);
    this.#downloads = new FairShares(bytes, LINE_MS);
    this.#uploads = new FairShares(TENANT_UPLOADS * maxUploadBytes, LINE_MS);
  }

  /** Whether no tenant has anything in progress. */
  get isIdle(): boolean {
    const waiting = [this.#paced, this.#drained, this.#reads, this.#writes, this.#large, this.#batches];
    const holding = [this.#bodies, this.#downloads, this.#uploads];
    const parties = [...waiting, ...holding].reduce((sum, each) => sum + each.parties, this.#requests.size);
    return parties + this.#largeInAll.taken + this.#batchesInAll.taken + this.#bodyBytes + this.#downloadBytes === 0;
  }

  /** Bytes of bodies that are being read or processed. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Begins a request. @returns the function that ends it @throws CodedError `too_much_under_way` */
  begin(userId: string): () => void {
    return this.#begin(userId, this.#maxRequests);
  }

  /** The same for a link of the tenant, which works without a key: an eighth, so that links do not use up the tenant's own. */
  beginPublic(userId: string): () => void {
    return this.#begin(publicParty(userId), Math.max(1, Math.floor(this.#maxRequests / 8)));
  }

  #begin(party: string, max: number): () => void {
    const count = this.#requests.get(party) ?? 0;
    if (count >= max) throw tooMuch(`${count} requests of yours are under way; allowed: ${max} at a time`);
    this.#requests.set(party, count + 1);
    return () => {
      const left = (this.#requests.get(party) ?? 1) - 1;
      if (left === 0) this.#requests.delete(party);
      else this.#requests.set(party, left);
    };
  }

  /** Resolves when the request may begin: at most {@link PACE} of a tenant in one turn of the event loop. */
  async pace(userId: string): Promise<void> {
    await this.#paced.hold(userId, yieldToEventLoop);
  }

  /**
   * Discards the rest of a refused body, one of a tenant at a time.
   * @param userId empty if the request has no valid key
   */
  async draining(userId: string, work: () => Promise<void>): Promise<void> {
    await this.#drained.run(userId, work).catch(() => undefined); // waited DRAIN_MS: answer now
  }

  /** Runs a database read within the tenant's share. @throws CodedError `too_much_under_way` */
  reading<T>(userId: string, work: () => Promise<T>): Promise<T> {
    return inTurn(this.#reads, userId, work);
  }

  /** Runs a database write within the tenant's share. @throws CodedError `too_much_under_way` */
  writing<T>(userId: string, work: () => Promise<T>): Promise<T> {
    return inTurn(this.#writes, userId, work);
  }

  /**
   * The same for writes of up to megabytes: one at a time for each tenant, and few in total.
   * @throws CodedError `too_much_under_way`; `unavailable` if other tenants use all of the total
   */
  writingLarge<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const shared = () => begun(work, (run) => this.#largeInAll.run(run), tooBusy);
    return inTurn(this.#large, userId, () => this.writing(userId, shared));
  }

  /**
   * Runs the checks and the write of a batch: one at a time for each tenant, and few in total.
   * @throws CodedError `too_much_under_way`; `unavailable` if other tenants use all of the total
   */
  batching<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const shared = () => begun(work, (run) => this.#batchesInAll.run(run), tooBusy);
    return inTurn(this.#batches, userId, shared);
  }

  /** Runs work with so many bytes on disk within the tenant's share. @throws CodedError `too_much_under_way` */
  receiving<T>(userId: string, bytes: number, work: () => Promise<T>): Promise<T> {
    return begun(work, (run) => this.#uploads.run(userId, run, bytes), outOfLine);
  }

  /** Resolves when the tenant may hold the bytes of a body, until `end`. @throws CodedError `too_much_under_way` */
  async holdBody(userId: string, bytes: number, end: Promise<void>): Promise<void> {
    await this.#bodies
      .hold(userId, () => end, bytes)
      .catch(() => {
        throw tooMuch('(body): bodies of yours that came before are still being read or worked on');
      });
  }

  /** Counts a received chunk of a body. @throws CodedError `unavailable` if the memory for bodies is used up */
  addBodyBytes(bytes: number): void {
    if (this.#bodyBytes + bytes > this.#maxBytes) throw tooBusy();
    this.#bodyBytes += bytes;
  }

  removeBodyBytes(bytes: number): void {
    this.#bodyBytes -= bytes;
  }

  /**
   * Resolves when a PDF of this size may be sent, until `end`.
   * @param besides bytes of memory that it takes until then. One request must not hold twice: it would wait for itself
   * @throws CodedError `too_much_under_way`, `unavailable`
   */
  async holdDownload(userId: string, size: number, end: Promise<void>, besides = 0): Promise<void> {
    const bytes = Math.min(size, PIECES * CHUNK_BYTES) + besides;
    if (this.#downloadBytes + bytes > this.#maxBytes) throw tooBusy();
    this.#downloadBytes += bytes;
    void end.then(() => (this.#downloadBytes -= bytes));
    await this.#downloads
      .hold(userId, () => end, bytes)
      .catch(() => {
        throw tooMuch('PDFs of yours are still being received, slower than they are sent');
      });
  }
}

/** Of links, which work without a key. */
export const publicParty = (userId: string) => `links of ${userId}`;

const tooMuch = (message: string) => new CodedError('too_much_under_way', message, { retryAfterSeconds: 1 });
const tooBusy = () =>
  new CodedError('unavailable', 'there is no room for more at the moment; try again shortly', { retryAfterSeconds: 1 });
const outOfLine = () =>
  tooMuch(`requests of yours that came before are still under way, ${LINE_MS / 1_000} s after this one came`);

/** After a wait it yields to the event loop, so that a fast queue of one tenant does not block other requests. */
function inTurn<T>(shares: FairShares, userId: string, work: () => Promise<T>): Promise<T> {
  let hasWaited = false;
  const run = async () => {
    if (hasWaited) await yieldToEventLoop();
    return work();
  };
  const running = begun(run, (turn) => shares.run(userId, turn), outOfLine);
  hasWaited = true; // has no effect if `run` has begun already
  return running;
}

/** An error of `run` before `work` has begun is replaced with `refusal`. */
async function begun<T>(
  work: () => Promise<T>,
  run: (work: () => Promise<T>) => Promise<T>,
  refusal: () => CodedError,
): Promise<T> {
  let hasBegun = false;
  try {
    return await run(() => {
      hasBegun = true;
      return work();
    });
  } catch (error) {
    throw hasBegun ? error : refusal();
  }
}
