import { SizedCache } from '../../cache/sized-cache.ts';
import type { Database } from '../../db/pools.ts';
import type { FileType } from '../../domain/media-type.ts';
import { parsePdfRequest } from '../../domain/pdf-request.ts';
import type { Finisher } from '../../finishing/finisher.ts';
import { CodedError, systemCodeOf } from '../../kernel/errors.ts';
import { Semaphore } from '../../kernel/semaphore.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { PdfDamaged, type Store, type WhichFile } from '../../storage/store.ts';
import type { Span } from '../../telemetry/span.ts';

/** A WebP of a PDF's first page; without bytes if there can be none. */
interface Thumbnail {
  bytes?: Uint8Array<ArrayBuffer>;
}

interface Wanted {
  db: Database;
  store: Store;
  file: WhichFile & { sha256: string };
  /** of the request */
  span: Span;
}

export const THUMBNAIL_TYPE: FileType = 'image/webp';
const OUTPUT = { type: 'webp', pages: 'first', dpi: 36 } as const;
const CACHE_BYTES = 16 * MEGABYTE;
const MAX_PDF_BYTES = 20 * MEGABYTE;
const TIMEOUT_MS = 5_000;
/** That a request waits for those before it. A page asks for a dozen at once. */
const WAIT_MS = 8_000;
const RETRY_AFTER_SECONDS = 10;

/** Small pictures of PDFs, made one at a time in a process that gets nothing else, and kept in memory. */
export class Thumbnails {
  readonly #finisher: Pick<Finisher, 'finish'>;
  readonly #turns = new Semaphore(1, WAIT_MS); // so that only one PDF is in memory
  readonly #made = new SizedCache<Thumbnail>({
    maxSize: CACHE_BYTES,
    sizeOf: ({ bytes }) => bytes?.byteLength ?? 0,
  });

  constructor(finisher: Pick<Finisher, 'finish'>) {
    this.#finisher = finisher;
  }

  /**
   * @returns undefined if there is none: the PDF is damaged, too large, or takes too much time or memory
   * @throws CodedError `unavailable` if others are waited for too long, or nothing can be made now
   */
  async of(wanted: Wanted): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (wanted.file.size > MAX_PDF_BYTES) return undefined;
    const { bytes } = await this.#made.get(wanted.file.fileId, () => this.#inTurn(wanted));
    return bytes;
  }

  async #inTurn(wanted: Wanted): Promise<Thumbnail> {
    try {
      return await this.#turns.run(() => this.#make(wanted));
    } catch (error) {
      if (error instanceof PdfDamaged) return {};
      throw systemCodeOf(error) === 'ACQUIRE_TIMEOUT' ? busy() : error;
    }
  }

  async #make({ db, store, file, span }: Wanted): Promise<Thumbnail> {
    const chunks: Uint8Array[] = [];
    for await (const piece of store.open(db, file)) chunks.push(piece);
    const { size, sha256, userId: tenant } = file;
    const outcome = await this.#finisher.finish([{ chunks, size, sha256, pages: 1 }], {
      settings: SETTINGS,
      result: { output: OUTPUT },
      parts: [{ isUploaded: true }], // any PDF may be hostile
      timeoutMs: TIMEOUT_MS,
      tenant,
      span,
    });
    if (outcome.kind === 'reject') return {};
    if (outcome.kind !== 'done') throw busy();
    const [made] = outcome.files;
    return made?.type === THUMBNAIL_TYPE ? { bytes: new Uint8Array(Buffer.concat(made.chunks)) } : {};
  }
}

const busy = () =>
  new CodedError('unavailable', 'other pictures are being made', { retryAfterSeconds: RETRY_AFTER_SECONDS });

/** A job's defaults: the step reads none of them. */
const SETTINGS = (() => {
  const parsed = parsePdfRequest({ html: ' ' });
  if (!parsed.ok) throw new Error('the defaults are not valid');
  const [part] = parsed.request.parts;
  if (!part) throw new Error('there is no part');
  return part;
})();
