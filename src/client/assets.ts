import type { Asset } from './api-types.ts';
import type { CallOptions, Connection } from './connection.ts';
import { Download } from './download.ts';
import { fileBody, type Upload } from './upload.ts';

export class Assets {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Sends a file that documents need; `files` of a request name it by its id. @param type media type */
  async put(file: Upload, { type, signal }: CallOptions & { type?: string | undefined } = {}): Promise<Asset> {
    const own = file instanceof Blob && file.type !== '' ? file.type : 'application/octet-stream';
    const body = await fileBody(file, type ?? own);
    return this.#connection.json({ method: 'PUT', path: 'assets', body, signal });
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Download> {
    return new Download(
      await this.#connection.send({ method: 'GET', path: `assets/${encodeURIComponent(id)}`, signal }),
    );
  }
}
