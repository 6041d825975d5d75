import { setImmediate as breathe } from 'node:timers/promises';
import { CodedError } from '../kernel/errors.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { FairShares } from '../kernel/fair-shares.ts';
import { CHUNK_BYTES } from '../storage/pdf-store.ts';

/** Bytes; what is larger is read, and worked on, one after the other. */
export const LARGE_BODY_BYTES = 65_536;
/** Milliseconds in line for a turn, behind the tenant's own requests. */
const LINE_MS = 30_000;
/** Requests of a tenant that are looked at in one round of the event loop: even to refuse one takes its time. */
const PACE = 4;
/** Milliseconds that the answer waits for the rest of a body to be thrown away, at most. */
const DRAIN_MS = 5_000;
/** Bytes that one tenant may hold of bodies, and of PDFs: two bodies of the largest, or its part of all. */
const TENANT_BYTES = 20 * 1024 * 1024;
const TENANT_PART = 8;
/** Of a PDF, while it is sent: a piece in the socket, and the next. */
const PIECES = 2;

interface UnderWayOptions {
  /** connections to the database for writes, and for what is read for tenants */
  connections: { main: number; reads: number };
  /** connections of clients */
  maxConnections: number;
  /** of bodies, and as many of PDFs that are sent */
  maxBufferedBytes: number;
}

/**
 * What every tenant has under way in this process. A tenant has a share of everything that all need: turns
 * at the database, bytes in memory, requests. Whoever has used theirs up waits behind their own, and the
 * shares are such that several tenants who are stuck leave enough for the others.
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
  #bodyBytes = 0;
  #downloadBytes = 0;

  constructor({ connections: { main, reads }, maxConnections, maxBufferedBytes }: UnderWayOptions) {
    this.#maxRequests = Math.max(1, Math.floor(maxConnections / 2));
    this.#maxBytes = maxBufferedBytes;
    // A write can be kept waiting by a lock, so three tenants may be. A read waits for nobody.
    this.#writes = new FairShares(Math.max(1, Math.floor(main / 3)), LINE_MS);
    this.#reads = new FairShares(Math.max(1, Math.floor((2 * reads) / 3)), LINE_MS);
    this.#largeInAll = new Semaphore(Math.max(2, Math.floor(main / 3)), LINE_MS);
    const bytes = Math.max(TENANT_BYTES, Math.floor(maxBufferedBytes / TENANT_PART));
    this.#bodies = new FairShares(bytes, LINE_MS);
    this.#downloads = new FairShares(bytes, LINE_MS);
  }

  /** Whether nobody has anything under way. */
  get isIdle(): boolean {
    const shares = [this.#paced, this.#drained, this.#reads, this.#writes, this.#large, this.#bodies, this.#downloads];
    const parties = shares.reduce((sum, each) => sum + each.parties, this.#requests.size);
    return parties + this.#largeInAll.taken + this.#bodyBytes + this.#downloadBytes === 0;
  }

  /** Bytes of bodies that are read or worked on. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** One more request. @returns what ends it @throws CodedError `too_much_under_way` */
  begin(userId: string): () => void {
    const count = this.#requests.get(userId) ?? 0;
    if (count >= this.#maxRequests)
      throw tooMuch(`${count} requests of yours are under way; allowed: ${this.#maxRequests} at a time`);
    this.#requests.set(userId, count + 1);
    return () => {
      const left = (this.#requests.get(userId) ?? 1) - 1;
      if (left === 0) this.#requests.delete(userId);
      else this.#requests.set(userId, left);
    };
  }

  /** Resolves when it is the request's turn to be looked at: few of a tenant in one round of the event loop. */
  async pace(userId: string): Promise<void> {
    await this.#paced.hold(userId, breathe);
  }

  /**
   * Throws away what comes of a body that nobody wants, one of a tenant's at a time.
   * @param userId empty: nobody known
   */
  async draining(userId: string, work: () => Promise<void>): Promise<void> {
    await this.#drained.run(userId, work).catch(() => undefined); // too many of them: the answer has waited enough
  }

  /** Does what reads for a tenant when it is its turn. @throws CodedError `too_much_under_way` */
  reading<T>(userId: string, work: () => Promise<T>): Promise<T> {
    return inTurn(this.#reads, userId, work);
  }

  /** Does what writes for a tenant when it is its turn. @throws CodedError `too_much_under_way` */
  writing<T>(userId: string, work: () => Promise<T>): Promise<T> {
    return inTurn(this.#writes, userId, work);
  }

  /**
   * The same for what may be megabytes: one at a time for each tenant, and few in all.
   * @throws CodedError `too_much_under_way`, or `unavailable` if others take all the time
   */
  writingLarge<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const shared = () => begun(work, (run) => this.#largeInAll.run(run), tooBusy);
    return inTurn(this.#large, userId, () => this.writing(userId, shared));
  }

  /** Resolves when a tenant may hold so many bytes more, until `end`. @throws CodedError `too_much_under_way` */
  async holdBody(userId: string, bytes: number, end: Promise<void>): Promise<void> {
    await this.#bodies
      .hold(userId, () => end, bytes)
      .catch(() => {
        throw tooMuch('(body): bodies of yours that came before are still being read or worked on');
      });
  }

  /** A piece of a body has come. @throws CodedError `unavailable` if there is no room for it */
  addBodyBytes(bytes: number): void {
    if (this.#bodyBytes + bytes > this.#maxBytes) throw tooBusy();
    this.#bodyBytes += bytes;
  }

  removeBodyBytes(bytes: number): void {
    this.#bodyBytes -= bytes;
  }

  /** Resolves when a PDF of so many bytes may be sent, until `end`. @throws CodedError `too_much_under_way`, `unavailable` */
  async holdDownload(userId: string, size: number, end: Promise<void>): Promise<void> {
    const bytes = Math.min(size, PIECES * CHUNK_BYTES);
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

const tooMuch = (message: string) => new CodedError('too_much_under_way', message, { retryAfterSeconds: 1 });
const tooBusy = () =>
  new CodedError('unavailable', 'there is no room for more at the moment; try again shortly', { retryAfterSeconds: 1 });
const outOfLine = () =>
  tooMuch(`requests of yours that came before are still under way, ${LINE_MS / 1_000} s after this one came`);

/** Whoever has waited lets the event loop look at what came meanwhile, so that a line that moves fast is in nobody's way. */
function inTurn<T>(shares: FairShares, userId: string, work: () => Promise<T>): Promise<T> {
  let hasWaited = false;
  const run = async () => {
    if (hasWaited) await breathe();
    return work();
  };
  const running = begun(run, (turn) => shares.run(userId, turn), outOfLine);
  hasWaited = true; // or it has begun already
  return running;
}

/** What `run` throws before `work` has begun becomes `refusal`. */
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
