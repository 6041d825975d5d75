// @ts-expect-error it has no types
import untyped from '@20minutes/s3rver';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, request as forward, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { undoLater } from './clean-up.ts';
import { temporaryDirectory } from './files.ts';
import { presigned } from './s3-presigned.ts';

interface S3rverOptions {
  address: string;
  port: number;
  directory: string;
  silent: boolean;
  vhostBuckets: boolean;
  configureBuckets: { name: string }[];
}

const S3rver = untyped as new (options: S3rverOptions) => {
  run: () => Promise<AddressInfo>;
  close: () => Promise<void>;
};

/** Of everybody who may enter. */
const KEY = 'S3RVER';
const BUCKET = 'pdfs';

/** What goes wrong with a request. */
export type S3Fault =
  /** it is answered so, and not passed on */
  | { kind: 'error'; status: number; code: string; headers?: Record<string, string> }
  /** it is read, and not answered */
  | { kind: 'silence' }
  /** the connection is cut after so many bytes of its body */
  | { kind: 'cut upload'; after: number }
  /** the connection is cut after so many bytes of the answer's body; 0: before its head */
  | { kind: 'cut download'; after: number }
  /** the answer's bytes come one by one */
  | { kind: 'trickle' }
  /** a byte of its body is another one when the server gets it */
  | { kind: 'altered' };

export interface S3Request {
  method: string;
  /** below the bucket, with the query */
  path: string;
}

interface Planned {
  fault: S3Fault;
  of: (request: S3Request) => boolean;
  times: number;
}

/**
 * A server of S3 that verifies signatures, behind a proxy with faults. What the server lacks, the proxy adds: it compares
 * the digests of what is uploaded, and lists and aborts uploads in parts, after the server has verified who asks. It also
 * shortens the answer to `bytes=0-0`, for which the server sends everything, and answers 404 where there is nothing to
 * delete, as Google does. Of URLs that are signed themselves it verifies the signature: the server encodes a few
 * characters in another way than S3.
 */
export class S3Server {
  readonly bucket = BUCKET;
  /** every request that arrived, faulty ones too */
  readonly requests: S3Request[] = [];
  /** connections accepted so far */
  accepted = 0;
  readonly #directory: string;
  readonly #server: Server;
  readonly #behind: number;
  readonly #planned = new Set<Planned>();

  private constructor(directory: string, behind: number) {
    this.#directory = join(directory, BUCKET);
    this.#behind = behind;
    this.#server = createServer((request, response) => {
      const { socket } = request; // it loses it when it ends
      void this.#handle(request, response).catch(() => socket.destroy());
    }).on('connection', () => this.accepted++);
  }

  static async start(): Promise<S3Server> {
    const directory = await temporaryDirectory('s3');
    const options = { address: '127.0.0.1', port: 0, silent: true, vhostBuckets: false };
    const behind = new S3rver({ ...options, directory, configureBuckets: [{ name: BUCKET }] });
    const { port } = await behind.run();
    const server = new S3Server(directory, port);
    await listenOnLoopback(server.#server);
    undoLater(async () => {
      server.#server.close();
      server.#server.closeAllConnections();
      await behind.close();
    });
    return server;
  }

  /** The settings that lead here. */
  get env() {
    return { S3_ENDPOINT: this.address, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: KEY };
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Open connections to it. */
  async connections(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    return promise;
  }

  /** @returns ends it */
  fault(fault: S3Fault, { of = () => true, times = Infinity }: Partial<Omit<Planned, 'fault'>> = {}): () => void {
    const planned = { fault, of, times };
    this.#planned.add(planned);
    return () => this.#planned.delete(planned);
  }

  /** Keys of all objects. */
  get objects(): string[] {
    return readdirSync(this.#directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(OBJECT))
      .map((name) => name.slice(0, -OBJECT.length));
  }

  /** The file with the bytes of an object. */
  pathOf(key: string): string {
    return join(this.#directory, `${key}${OBJECT}`);
  }

  /** Uploads in parts that are neither completed nor aborted. */
  get uploads(): { id: string; key: string; path: string; since: Date }[] {
    if (!existsSync(this.#uploadsDirectory)) return [];
    return readdirSync(this.#uploadsDirectory).map((id) => {
      const path = join(this.#uploadsDirectory, id);
      return { id, path, key: readFileSync(join(path, 'key'), 'utf8'), since: statSync(join(path, 'key')).mtime };
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', socket } = request;
    const asked = { method, path: url.replace(`/${BUCKET}`, '').replace(/^\//, '') };
    this.requests.push(asked);
    const fault = this.#next(asked);
    const body = await bodyOf(request, fault?.kind === 'cut upload' ? fault.after : Infinity);
    if (body === 'cut') return void socket.destroy();
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'error') return fail(response, fault);
    if (fault?.kind === 'altered' && body.length > 0) body[0] = (body[0] ?? 0) ^ 1;
    const shared = presigned(request, { accessKeyId: KEY, secretAccessKey: KEY });
    if (shared?.refusal !== undefined) return fail(response, { status: 403, code: shared.refusal });
    const wrong = shared ? undefined : wrongDigest(request, body);
    if (wrong !== undefined) return fail(response, { status: 400, code: wrong });

    const isAbsent = method === 'DELETE' && !asked.path.includes('?') && !existsSync(this.pathOf(asked.path));
    const behind = forward({
      host: '127.0.0.1',
      port: this.#behind,
      method,
      path: url,
      headers: request.headers,
      ...shared,
    });
    behind.end(body);
    const [answer] = (await once(behind, 'response')) as [IncomingMessage];
    const own =
      isAbsent && answer.statusCode === 204
        ? (absent: ServerResponse) => fail(absent, { status: 404, code: 'NoSuchKey' })
        : this.#ownAnswer(asked, answer.statusCode ?? 0);
    if (own) {
      answer.resume();
      return own(response);
    }
    if (fault?.kind === 'cut download' && fault.after === 0) return void socket.destroy();
    let left = fault?.kind === 'cut download' ? fault.after : Infinity;
    if (request.headers.range === 'bytes=0-0' && answer.statusCode === 206) {
      const total = answer.headers['content-range']?.split('/')[1];
      response.writeHead(206, { 'content-length': 1, 'content-range': `bytes 0-0/${total}` });
      const [first] = (await once(answer, 'data')) as [Buffer];
      return void response.end(first.subarray(0, 1), () => answer.destroy());
    }
    response.writeHead(answer.statusCode ?? 0, { ...answer.headers, ...shared?.answer });
    response.flushHeaders();
    for await (const piece of answer as AsyncIterable<Buffer>) {
      if (fault?.kind === 'trickle') await trickle(response, piece);
      else response.write(piece.subarray(0, left));
      left -= piece.byteLength;
      if (left <= 0) return void setImmediate(() => socket.destroy());
    }
    response.end();
  }

  #next(request: S3Request): S3Fault | undefined {
    for (const planned of this.#planned) {
      if (planned.times <= 0 || !planned.of(request)) continue;
      planned.times--;
      return planned.fault;
    }
    return undefined;
  }

  get #uploadsDirectory(): string {
    return join(this.#directory, '._S3rver_uploads');
  }

  /** Of requests that the server has let in, but does not know. */
  #ownAnswer({ method, path }: S3Request, status: number): ((response: ServerResponse) => void) | undefined {
    const query = new URLSearchParams(path.split('?')[1]);
    const id = query.get('uploadId');
    const upload = this.uploads.find((each) => each.id === id);
    if (id !== null && !upload && status >= 404)
      return (response) => fail(response, { status: 404, code: 'NoSuchUpload' });
    if (upload && method === 'DELETE' && status === 405)
      return (response) => {
        rmSync(upload.path, { recursive: true });
        response.writeHead(204).end();
      };
    if (method !== 'GET' || !query.has('uploads') || status !== 501) return undefined;
    return (response) => response.end(this.#listOfUploads(query));
  }

  /** Two on a page. */
  #listOfUploads(query: URLSearchParams): string {
    const after = query.get('upload-id-marker') ?? '';
    const all = this.uploads
      .filter(({ key, id }) => key.startsWith(query.get('prefix') ?? '') && id > after)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const page = all.slice(0, 2);
    const last = page.at(-1);
    const list = page.map(
      ({ key, id, since }) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${since.toISOString()}</Initiated></Upload>`,
    );
    const next =
      all.length > page.length
        ? `<NextKeyMarker>${last?.key}</NextKeyMarker><NextUploadIdMarker>${last?.id}</NextUploadIdMarker><IsTruncated>true</IsTruncated>`
        : '<IsTruncated>false</IsTruncated>';
    return `<?xml version="1.0" encoding="UTF-8"?>\n<ListMultipartUploadsResult>${next}${list.join('')}</ListMultipartUploadsResult>`;
  }
}

/** Ends the name of a file with an object's bytes. */
const OBJECT = '._S3rver_object';

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | 'cut'> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.byteLength;
    if (size >= most) return 'cut';
  }
  return Buffer.concat(pieces);
}

/** The code of S3's error if the body is not the one that was sent. */
function wrongDigest({ headers }: IncomingMessage, body: Buffer): string | undefined {
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (headers['x-amz-content-sha256'] !== sha256) return 'XAmzContentSHA256Mismatch';
  const md5 = createHash('md5').update(body).digest('base64');
  return (headers['content-md5'] ?? md5) === md5 ? undefined : 'BadDigest';
}

function fail(
  response: ServerResponse,
  { status, code, headers = {} }: { status: number; code: string; headers?: Record<string, string> },
): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>planned</Message></Error>`);
}

async function trickle(response: ServerResponse, piece: Buffer): Promise<void> {
  for (const byte of piece) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await sleep(100);
  }
}
