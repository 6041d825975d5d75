import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { CodedError } from '../kernel/errors.ts';

/** A file that a document may ask for. */
export interface ServedFile {
  /** the header `Content-Type` */
  type: string;
  /** bytes */
  size: number;
  content: Uint8Array | Readable;
}

/** A document with its files, by paths as in a URL: `/a%20b.png`. */
export interface FileSet {
  /** the same key, the same files; undefined if they may change */
  key?: string | undefined;
  /** the path of the document */
  entry: string;
  /** Resolves with undefined, or rejects, if there is no such file. */
  file(path: string): Promise<ServedFile | undefined>;
}

const SECRET = randomBytes(32);

/** Whether a host name is one of an origin, of whichever document. */
export const isServedHost = (host: string) => /(?:^|\.)pdfprompt\.internal\.*$/.test(host);

/**
 * The origin of one document, which the proxy answers itself in the document's own page and nowhere else. There is no
 * port or name that others could find. The name is new for each document, so nothing that an earlier document stored
 * is found; and it cannot be guessed, because where Chromium is in our network, another user of the machine may find the
 * proxy's port. All names are of one site, so that the browser need not start a process for each.
 *
 * Files of a document that is elsewhere, and runs no script, have a name that only stands for them: so the page keeps
 * them for the next document with the same files, which takes less than half the time with four fonts.
 */
export class ServedOrigin {
  /** `http://name` */
  readonly origin: string;
  /** of the document */
  readonly url: string;
  readonly isAlone: boolean;
  /** whether the document is elsewhere, and only its files are here */
  readonly isBase: boolean;
  /** bytes of files that the page may keep */
  keptBytes = 0;
  /** why a file that is there could not be read; the first one */
  failure: CodedError | undefined;
  readonly #files: FileSet;
  readonly #mayBeKept: boolean;
  /** paths that were answered with a file */
  readonly #sent = new Set<string>();

  /**
   * @param isAlone whether the document came without files: then nothing here counts as one, as without an origin
   * @param isBase whether the document is elsewhere, and only its files are here
   * @param mayBeKept whether the page may keep files for the next document that has the same
   */
  constructor(files: FileSet, { isAlone = false, isBase = false, mayBeKept = true } = {}) {
    this.#mayBeKept = mayBeKept && isBase && files.key !== undefined;
    const name = this.#mayBeKept
      ? createHmac('sha256', SECRET)
          .update(files.key ?? '')
          .digest()
      : randomBytes(16);
    this.origin = `http://${name.toString('hex', 0, 16)}.pdfprompt.internal`;
    this.url = new URL(files.entry, this.origin).href;
    this.#files = files;
    this.isAlone = isAlone;
    this.isBase = isBase;
  }

  /** Whether a URL is within the origin. */
  includes(url: string): boolean {
    return url.startsWith(`${this.origin}/`);
  }

  /** Other errors mean that there is no such file. */
  readonly #failed = (error: unknown): undefined => {
    if (error instanceof CodedError) this.failure ??= error;
  };

  /** Always ends the response. @returns the bytes of a file that was sent before, which count for the document's limit */
  async answer({ pathname }: URL, request: IncomingMessage, response: ServerResponse): Promise<number> {
    const hasBody = request.method === 'GET';
    const file =
      hasBody || request.method === 'HEAD' ? await this.#files.file(pathname).catch(this.#failed) : undefined;
    if (!file) {
      const isNavigation = request.headers.accept?.startsWith('text/html') === true;
      response.writeHead(this.isAlone && isNavigation ? 204 : 404, { 'Content-Length': 0 }).end();
      return 0;
    }
    response.writeHead(200, {
      'Content-Type': file.type,
      'Content-Length': file.size,
      'Cache-Control': this.#mayBeKept ? 'max-age=86400, immutable' : 'no-store',
      'Referrer-Policy': 'no-referrer', // a document may set another one
      // For the browser a document elsewhere is a stranger, which may not use these fonts.
      ...(this.isBase && { 'Access-Control-Allow-Origin': '*' }),
    });
    const again = hasBody && this.#sent.has(pathname) ? file.size : 0;
    this.#sent.add(pathname);
    if (hasBody && this.#mayBeKept) this.keptBytes += file.size;
    if (!(file.content instanceof Readable)) response.end(hasBody ? file.content : undefined);
    else if (hasBody) pipeline(file.content.once('error', this.#failed), response, () => undefined);
    else {
      file.content.destroy();
      response.end();
    }
    return again;
  }
}
