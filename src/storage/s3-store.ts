import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { S3Access } from '../config/load.ts';
import type { Queryable } from '../db/pools.ts';
import { CodedError, messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { S3Client, S3Error, type S3Patience, textOf } from './s3-client.ts';
import {
  type ByteRange,
  CHUNK_BYTES,
  exactly,
  PdfDamaged,
  randomFile,
  type Store,
  type StoreFileBytes,
  StoreFailure,
  type StoreLink,
  UNREACHED_SECONDS,
  type WhichFile,
  wholeOf,
  withStoreFailure,
} from './store.ts';

/** A larger file is uploaded in parts of this size: S3 wants at least 5 MB, R2 the same for all but the last. */
const PART_BYTES = 8 * MEGABYTE;
const REMOVED_AT_A_TIME = 8;

/** What the key must be allowed to do. */
const ACTIONS =
  's3:PutObject, s3:GetObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects, s3:ListBucket and s3:ListBucketMultipartUploads on the bucket';

/** Files in a bucket of S3, or of a service that speaks its protocol. An object appears when all of its bytes are there. */
export class S3Store implements Store {
  readonly kind = 's3';
  readonly location: string;
  readonly isInDatabase = false;
  readonly fullReason = 'QuotaExceeded'; // most services are never full; some have a word of their own for it
  readonly #client: S3Client;
  readonly #region: string;
  /** of every key, with its slash */
  readonly #prefix: string;

  /** @param prefix without slashes at its ends; empty: none */
  constructor(bucket: string, prefix: string, access: S3Access, patience?: S3Patience) {
    this.location = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#region = access.region;
    this.#client = new S3Client(bucket, access, patience);
  }

  /** Writes an object, reads it, removes it, and reads it again: S3 hides a missing object from who may not list. */
  async check(): Promise<void> {
    const key = `${this.#probeKey}-${uuidv7()}`; // other processes may be checking too
    try {
      await this.#client.send({ method: 'PUT', key, body: [Buffer.from('pdfprompt')] });
      await this.#client.send({ method: 'GET', key });
      await this.#client.send({ method: 'DELETE', key });
      await this.#client.send({ method: 'GET', key }).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    } catch (error) {
      const what = `PDF_STORE: ${this.location} cannot be used: ${systemCodeOf(error) ?? 'error'}: ${messageOf(error)}`;
      const isUnavailable = !(error instanceof S3Error) || error.isTransient;
      const cause = isUnavailable ? new StoreFailure('unavailable', messageOf(error), { cause: error }) : error;
      throw new OperatorError(`${what}\n${remedyOf(error, this.#region)}`, { cause });
    }
  }

  async put(_: Queryable, fileId: string, bytes: StoreFileBytes, signal?: AbortSignal): Promise<void> {
    await withStoreFailure(() => this.#save(this.#key(fileId), bytes, signal));
  }

  async probe(_: Queryable, bytes: number): Promise<void> {
    const key = this.#probeKey; // one for all, so that at most one is left by processes that end
    await withStoreFailure(async () => {
      try {
        // A bucket that takes a part has room for the rest, and a large probe would delay what waits for it.
        await this.#save(key, randomFile(Math.min(bytes, PART_BYTES)));
      } finally {
        await this.#delete(key);
      }
    });
  }

  open(_: Queryable, which: WhichFile, range: ByteRange = wholeOf(which)): AsyncIterable<Uint8Array> {
    return exactly(this.#pieces(which, range), which, range);
  }

  link(fileId: string, { now, seconds, contentType, contentDisposition }: StoreLink): string {
    const answer = { 'response-content-type': contentType, 'response-content-disposition': contentDisposition };
    return this.#client.presigned(this.#key(fileId), { now, seconds, query: answer });
  }

  async remove(_: Queryable, fileIds: readonly string[]): Promise<void> {
    // One by one: Google's storage has no request for many, and the others want different checksums for it.
    await withStoreFailure(() =>
      forEachInSlots(fileIds, REMOVED_AT_A_TIME, (fileId) => this.#delete(this.#key(fileId))),
    );
  }

  /** Removes the parts of uploads that were neither completed nor aborted. MinIO does not list them, but removes them itself. */
  async sweep(olderThanMs: number): Promise<number> {
    const latest = Date.now() - olderThanMs;
    let swept = 0;
    await withStoreFailure(async () => {
      for await (const { key, uploadId, since } of this.#uploads()) {
        if (since > latest || !this.#isOwn(key)) continue;
        await this.#abort(key, uploadId);
        swept++;
      }
    });
    return swept;
  }

  #key(fileId: string): string {
    return `${this.#prefix}${fileId}.pdf`;
  }

  get #probeKey(): string {
    return `${this.#prefix}.probe`;
  }

  /** Whether it is the key of a file of ours: others may use the same bucket, with other prefixes. */
  #isOwn(key: string): boolean {
    return key.startsWith(this.#prefix) && /^[0-9a-f-]{36}\.pdf$/.test(key.slice(this.#prefix.length));
  }

  /** Google's storage answers 404 where there is nothing to delete, the others do not. */
  async #delete(key: string): Promise<void> {
    await this.#client.send({ method: 'DELETE', key }).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  async #save(key: string, bytes: StoreFileBytes, signal?: AbortSignal): Promise<void> {
    if (bytes.size > PART_BYTES) return this.#upload(key, bytes, signal);
    const { size, sha256 } = bytes;
    const body = [...bytes.chunks];
    if (sizeOf(body) !== size)
      throw new StoreFailure('altered', `there are ${sizeOf(body)} of ${size} bytes to be stored`);
    await this.#client.send({ method: 'PUT', key, headers: PDF, body, sha256, signal });
  }

  async #upload(key: string, { chunks, size, sha256 }: StoreFileBytes, signal?: AbortSignal): Promise<void> {
    const { body } = await this.#client.send({ method: 'POST', key, query: { uploads: '' }, headers: PDF, signal });
    const uploadId = wanted(body, /<UploadId>([^<]+)<\/UploadId>/);
    try {
      const hash = createHash('sha256');
      const etags: string[] = [];
      let sent = 0;
      for (const part of partsOf(chunks)) {
        for (const piece of part) hash.update(piece);
        sent += sizeOf(part);
        const query = { partNumber: String(etags.length + 1), uploadId };
        const { headers } = await this.#client.send({ method: 'PUT', key, query, body: part, signal });
        etags.push(headers.etag ?? '');
      }
      if (sent !== size || hash.digest('hex') !== sha256)
        throw new StoreFailure('altered', `${sent} bytes were uploaded, or not the ${size} that were to be stored`);
      const list = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
      const complete = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
      await this.#client
        .send({ method: 'POST', key, query: { uploadId }, body: [complete], signal })
        .catch((error: unknown) => {
          // Another attempt finds no upload if the first one completed it and its answer was lost. The size shows which.
          if (!(error instanceof S3Error && error.code === 'NoSuchUpload')) throw error;
        });
      const found = (await this.#client.send({ method: 'HEAD', key, signal })).headers['content-length'];
      if (Number(found) !== size)
        throw new StoreFailure('altered', `${found} of ${size} bytes are in ${this.location}`);
    } catch (error) {
      await this.#abort(key, uploadId).catch(() => undefined); // otherwise `sweep` does it
      throw error;
    }
  }

  async #abort(key: string, uploadId: string): Promise<void> {
    await this.#client.send({ method: 'DELETE', key, query: { uploadId } }).catch((error: unknown) => {
      if (!isMissing(error)) throw error; // it is completed or aborted
    });
  }

  /** A request for each piece, so that a slow reader holds no connection, and one that is cut is begun again. */
  async *#pieces({ fileId, size }: WhichFile, { first, last }: ByteRange): AsyncIterable<Uint8Array> {
    for (let at = first; at <= last; at += CHUNK_BYTES) {
      const range = `bytes=${at}-${Math.min(at + CHUNK_BYTES - 1, last)}`;
      const { headers, body } = await this.#client
        .send({ method: 'GET', key: this.#key(fileId), headers: { range } })
        .catch((error: unknown) => {
          throw readFailure(error, fileId, size);
        });
      const found = headers['content-range']?.split('/')[1] ?? body.byteLength;
      if (Number(found) !== size) throw new PdfDamaged(fileId, found, size);
      yield body;
    }
  }

  async *#uploads(): AsyncIterable<{ key: string; uploadId: string; since: number }> {
    let next: Record<string, string> | undefined = {};
    while (next) {
      const query: Record<string, string> = { uploads: '', prefix: this.#prefix, ...next };
      const xml: string = (await this.#client.send({ method: 'GET', query })).body.toString();
      for (const upload of xml.split('<Upload>').slice(1)) {
        yield {
          key: wanted(upload, /<Key>([^<]+)<\/Key>/),
          uploadId: wanted(upload, /<UploadId>([^<]+)<\/UploadId>/),
          since: Date.parse(wanted(upload, /<Initiated>([^<]+)<\/Initiated>/)),
        };
      }
      const isMore = textOf(xml, /<IsTruncated>(true)<\/IsTruncated>/) !== undefined;
      next = isMore
        ? {
            'key-marker': wanted(xml, /<NextKeyMarker>([^<]+)<\/NextKeyMarker>/),
            'upload-id-marker': wanted(xml, /<NextUploadIdMarker>([^<]+)<\/NextUploadIdMarker>/),
          }
        : undefined;
    }
  }
}

const PDF = { 'content-type': 'application/pdf' };

function sizeOf(pieces: Uint8Array[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function* partsOf(chunks: Iterable<Uint8Array>): Iterable<Uint8Array[]> {
  let part: Uint8Array[] = [];
  let room = PART_BYTES;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength;) {
      const piece = chunk.subarray(at, at + room);
      part.push(piece);
      at += piece.byteLength;
      room -= piece.byteLength;
      if (room > 0) continue;
      yield part;
      part = [];
      room = PART_BYTES;
    }
  }
  if (part.length > 0) yield part;
}

/** Not by the status: something in front of the service may answer 404 for it. */
function isMissing(error: unknown): boolean {
  return error instanceof S3Error && (error.code === 'NoSuchKey' || error.code === 'NoSuchUpload');
}

function readFailure(error: unknown, fileId: string, size: number): Error {
  if (isMissing(error)) return new CodedError('file_expired', 'the PDF is no longer kept', { cause: error });
  if (error instanceof S3Error && error.code === 'InvalidRange') return new PdfDamaged(fileId, 'fewer', size);
  return new CodedError('unavailable', 'the store with the PDFs cannot be reached now', {
    cause: error,
    retryAfterSeconds: UNREACHED_SECONDS,
  });
}

function wanted(xml: Buffer | string, pattern: RegExp): string {
  const found = textOf(xml.toString(), pattern);
  if (found === undefined) throw new Error(`an answer of S3 lacks ${pattern.source}`);
  return found;
}

/** What an operator does about a failed check. */
function remedyOf(error: unknown, region: string): string {
  const code = systemCodeOf(error) ?? '';
  if (!(error instanceof S3Error)) return 'set S3_ENDPOINT and S3_REGION so that the service can be reached from here';
  if (code === 'InvalidAccessKeyId') return 'set AWS_ACCESS_KEY_ID to a key of this service';
  if (code === 'SignatureDoesNotMatch') return 'set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID';
  if (['ExpiredToken', 'InvalidToken'].includes(code)) return 'set AWS_SESSION_TOKEN to a valid token, or unset it';
  if (code === 'NoSuchBucket') return 'create the bucket, or set PDF_STORE to one that exists';
  if (code === 'RequestTimeTooSkewed') return 'set the clock of this machine';
  if (error.region !== undefined && error.region !== region) return `set S3_REGION to ${error.region}`;
  if (error.status === 403) return `allow the key of AWS_ACCESS_KEY_ID ${ACTIONS}`;
  return 'check PDF_STORE, S3_ENDPOINT and S3_REGION';
}
