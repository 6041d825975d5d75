import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** A PDF on its way between two processes. */
export interface SentPdf {
  chunks: Uint8Array[];
  pages: number;
}

/** A message and the PDFs that go with it. */
export interface Frame {
  message: unknown;
  pdfs: SentPdf[];
}

export type PdfHead = Record<'size' | 'pages', number>;

interface ReadOptions {
  /** most bytes of a message */
  maxMessageBytes: number;
  /** bytes of each piece that a PDF is read into */
  pieceBytes: number;
  /** whether a file may be empty */
  mayBeEmpty?: boolean;
  /** called before the bytes of PDFs are read. @throws to refuse them */
  check?: (heads: PdfHead[]) => void;
}

/**
 * Sends a frame: the length of its head in four bytes, the head as JSON, and the PDFs. Node's own channel between
 * processes takes three times as long for large PDFs, and blocks the event loop for seconds.
 */
export async function sendFrame(stream: Writable, message: unknown, pdfs: readonly SentPdf[] = []): Promise<void> {
  const heads = pdfs.map(({ chunks, pages }): PdfHead => {
    return { size: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0), pages };
  });
  const head = Buffer.from(JSON.stringify({ message, heads }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.byteLength);
  stream.write(length);
  stream.write(head);
  for (const chunk of pdfs.flatMap(({ chunks }) => chunks)) if (!stream.write(chunk)) await once(stream, 'drain');
}

/**
 * Reads frames until the stream ends, be it within one.
 * @throws what `check` throws, the stream's error, or an Error if it sends anything else
 */
export async function* readFrames(stream: Readable, options: ReadOptions): AsyncGenerator<Frame> {
  const bytes = new ByteReader(stream);
  for (;;) {
    const length = await bytes.take(4);
    if (!length) return;
    const headBytes = length.readUInt32BE();
    if (headBytes > options.maxMessageBytes) throw new Error('a message is too long');
    const head = await bytes.take(headBytes);
    if (!head) return;
    const { message, heads } = JSON.parse(head.toString()) as { message: unknown; heads: PdfHead[] };
    if (
      !Array.isArray(heads) ||
      !heads.every((each: Partial<PdfHead> | null) => each !== null && isHead(each, options))
    )
      throw new Error('a message is damaged');
    options.check?.(heads);
    const pdfs: SentPdf[] = [];
    for (const { size, pages } of heads) {
      const chunks: Uint8Array[] = [];
      for (let left = size; left > 0; left -= options.pieceBytes) {
        const chunk = await bytes.take(Math.min(left, options.pieceBytes));
        if (!chunk) return;
        chunks.push(chunk);
      }
      pdfs.push({ chunks, pages });
    }
    yield { message, pdfs };
  }
}

/** The process that sends it may have been taken over by a PDF. */
function isHead({ size, pages }: Partial<PdfHead>, { mayBeEmpty = false }: ReadOptions): boolean {
  const isCount = (value: unknown, least: number) => Number.isSafeInteger(value) && Number(value) >= least;
  return isCount(size, mayBeEmpty ? 0 : 1) && isCount(pages, 1);
}

/** Takes a stream's bytes in the sizes that are asked for. */
class ByteReader {
  readonly #data: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#data = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** @returns undefined if the stream ends before */
  async take(count: number): Promise<Buffer | undefined> {
    const taken = Buffer.allocUnsafeSlow(count);
    for (let at = 0; at < count;) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#data.next();
        if (next.done) return undefined;
        this.#rest = next.value;
      }
      const copied = this.#rest.copy(taken, at);
      this.#rest = this.#rest.subarray(copied);
      at += copied;
    }
    return taken;
  }
}
