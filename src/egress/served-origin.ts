import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

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
  /** the path of the document */
  entry: string;
  /** Resolves with undefined, or rejects, if there is no such file. */
  file(path: string): Promise<ServedFile | undefined>;
}

/** Whether a host name is one of an origin, of whichever document. */
export const isServedHost = (host: string) => /(?:^|\.)pdfprompt\.internal\.*$/.test(host);

/**
 * The origin of one document, which the proxy answers itself in the document's own page and nowhere else. There is no
 * port or name that others could find. The name is new for each document, so nothing that an earlier document stored
 * is found; and it cannot be guessed, because where Chromium is in our network, another user of the machine may find the
 * proxy's port. All names are of one site, so that the browser need not start a process for each.
 */
export class ServedOrigin {
  /** `http://name` */
  readonly origin = `http://${randomBytes(16).toString('hex')}.pdfprompt.internal`;
  /** of the document */
  readonly url: string;
  readonly isAlone: boolean;
  readonly #files: FileSet;
  /** paths that were answered with a file */
  readonly #sent = new Set<string>();

  /** @param isAlone whether the document is the only file: then going elsewhere here is no navigation, as without an origin */
  constructor(files: FileSet, { isAlone = false } = {}) {
    this.url = new URL(files.entry, this.origin).href;
    this.#files = files;
    this.isAlone = isAlone;
  }

  /** Whether a URL is within the origin. */
  includes(url: string): boolean {
    return url.startsWith(`${this.origin}/`);
  }

  /** Always ends the response. @returns the bytes of a file that was sent before, which count for the document's limit */
  async answer({ pathname }: URL, request: IncomingMessage, response: ServerResponse): Promise<number> {
    const hasBody = request.method === 'GET';
    const file =
      hasBody || request.method === 'HEAD' ? await this.#files.file(pathname).catch(() => undefined) : undefined;
    if (!file) {
      const isNavigation = request.headers.accept?.startsWith('text/html') === true;
      response.writeHead(this.isAlone && isNavigation ? 204 : 404, { 'Content-Length': 0 }).end();
      return 0;
    }
    response.writeHead(200, {
      'Content-Type': file.type,
      'Content-Length': file.size,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer', // a document may set another one
    });
    const again = hasBody && this.#sent.has(pathname) ? file.size : 0;
    this.#sent.add(pathname);
    if (!(file.content instanceof Readable)) response.end(hasBody ? file.content : undefined);
    else if (hasBody) pipeline(file.content, response, () => undefined);
    else {
      file.content.destroy();
      response.end();
    }
    return again;
  }
}
