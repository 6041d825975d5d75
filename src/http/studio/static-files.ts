import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CodedError } from '../../kernel/errors.ts';
import type { AppContext } from '../route.ts';

const compress = promisify(gzip);

interface StaticFile {
  body: string;
  type: string;
}

/** Files that are the same for everybody, for as long as the process runs. */
export class StaticFiles {
  /** changes with any of the files: a part of their paths, so that browsers may keep them for ever */
  readonly version: string;
  readonly #files: ReadonlyMap<string, StaticFile>;
  readonly #compressed = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
    const hash = createHash('sha256');
    for (const [name, { body }] of files) hash.update(`${name}\n${body.length}\n${body}`);
    this.version = hash.digest('hex').slice(0, 12);
  }

  /** @throws CodedError `not_found` */
  async send(c: AppContext, version: string, name: string): Promise<Response> {
    const file = this.#files.get(name);
    if (!file) throw new CodedError('not_found', 'there is no such file');
    if (version === this.version) c.header('Cache-Control', 'public, max-age=31536000, immutable');
    c.header('Content-Type', file.type);
    c.header('Vary', 'Accept-Encoding');
    if (!/\bgzip\b/.test(c.req.header('accept-encoding') ?? '')) return c.body(file.body);
    let compressed = this.#compressed.get(name);
    if (!compressed) this.#compressed.set(name, (compressed = compress(file.body)));
    c.header('Content-Encoding', 'gzip');
    return c.body(await compressed);
  }
}
