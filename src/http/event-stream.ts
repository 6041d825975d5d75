import type { ServerResponse } from 'node:http';
import type { Outlet } from '../deliveries/job-listener.ts';

/** Bytes that wait for a slow client, besides those in its socket. All who listen to an event share its bytes. */
const MAX_QUEUED_BYTES = 1_048_576;
/** Of these, those that are sent only as fast as they are received. */
const FULL_BYTES = 65_536;
/** Milliseconds for which nothing may be taken of what waits. */
const STUCK_MS = 30_000;

/** The headers of server-sent events; proxies shall neither keep nor gather them. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
};

/**
 * The body of an answer that goes on. Its first bytes go the way of every answer; once the headers are sent, bytes are
 * written to Node's response itself, which is faster for thousands of clients. A client that receives too slowly is cut off: it
 * can resume, and the memory that it costs is bounded.
 */
export class EventStream implements Outlet {
  readonly body: ReadableStream<Uint8Array>;
  readonly #outgoing: ServerResponse;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** until the headers are sent */
  readonly #first: Uint8Array[] = [];
  #isAsked = false;
  #isDirect = false;
  /** resolved when the first bytes are passed on, or never will be */
  #passed = Promise.withResolvers<void>();
  #isOver = false;
  /** when nothing waited, as `performance.now()` has it */
  #emptyAt = performance.now();

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
    const over = () => {
      this.#isOver = true;
      this.#passed.resolve();
    };
    outgoing.once('close', over);
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isAsked = true;
          this.#pass();
        },
        cancel: over,
      },
      { highWaterMark: 0 },
    );
  }

  get isFull(): boolean {
    return this.#isDirect ? this.#outgoing.writableLength >= FULL_BYTES : this.#first.length > 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isStuck(): boolean {
    this.#look();
    return performance.now() - this.#emptyAt > STUCK_MS;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (!this.#isDirect) {
      this.#first.push(bytes);
      return this.#pass();
    }
    this.#look();
    this.#outgoing.write(bytes);
    if (this.#outgoing.writableLength > MAX_QUEUED_BYTES) this.cut();
  }

  async taken(): Promise<void> {
    const outgoing = this.#outgoing;
    while (this.#first.length > 0 && !this.#isOver) await this.#passed.promise;
    if (this.#isOver || !outgoing.writableNeedDrain) return;
    await new Promise<void>((done) => {
      const end = () => {
        outgoing.off('drain', end).off('close', end);
        done();
      };
      outgoing.on('drain', end).on('close', end);
    });
  }

  end(): void {
    if (this.#isOver) return;
    // What a client does not receive would keep the connection open.
    if (this.#outgoing.writableLength > 0) return this.cut();
    this.#isOver = true;
    this.#controller.close();
  }

  cut(): void {
    this.#isOver = true;
    this.#outgoing.destroy();
  }

  /** Gives the first bytes to the one who asks for them, which is done before the headers are sent, and once after. */
  #pass(): void {
    if (!this.#isAsked || this.#isOver) return;
    this.#isDirect = this.#outgoing.headersSent;
    if (this.#first.length === 0) return;
    const bytes = Buffer.concat(this.#first.splice(0));
    this.#passed.resolve();
    this.#passed = Promise.withResolvers();
    if (this.#isDirect) return void this.#outgoing.write(bytes);
    this.#isAsked = false;
    this.#controller.enqueue(bytes);
  }

  #look(): void {
    if (this.#outgoing.writableLength === 0) this.#emptyAt = performance.now();
  }
}
