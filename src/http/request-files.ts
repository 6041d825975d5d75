import { closeSync, openSync, readSync } from 'node:fs';
import { putAsset, type PutAssetDeps } from '../assets/put-asset.ts';
import { type FileToPut, putFilesOfParts, putSentFiles, type RequestAssets } from '../assets/put-sent-files.ts';
import { pathText } from '../domain/field-path.ts';
import type { requestFiles } from '../domain/pdf-request.ts';
import type { FileInput } from '../domain/source.ts';
import { invalidFields } from '../kernel/errors.ts';
import { CHUNK_BYTES, type StoreFileBytes } from '../storage/store.ts';
import type { Upload } from './receive-uploads.ts';
import { LARGE_BODY_BYTES, type UnderWay } from './under-way.ts';

/**
 * The JSON of a request with what was sent beside it among its `files`, each as the id of its asset. In `files` an upload
 * may be named by its part, and is then there, instead of at its own path.
 * @param json any; what is not an object is left to the schema
 * @throws CodedError that names a path that is there twice
 */
export function withUploaded(json: unknown, uploads: readonly Upload[]): unknown {
  if (
    uploads.length === 0 ||
    !isObject(json) ||
    !(json.files === undefined || json.files === null || isObject(json.files))
  )
    return json;
  const byPart = new Map(uploads.map((upload) => [upload.part, upload]));
  const named = new Set<Upload>();
  const files = Object.entries(json.files ?? {}).map(([path, file]): [string, unknown] => {
    const upload = typeof file === 'string' ? byPart.get(file) : undefined;
    if (upload) named.add(upload);
    return [path, upload?.sha256 ?? file];
  });
  const paths = new Set(files.map(([path]) => path));
  const unnamed = uploads.filter((upload) => !named.has(upload));
  const twice = unnamed.find(({ name }) => paths.has(name));
  if (twice) throw invalidFields([{ field: pathText(['files', twice.name]), message: 'it is sent as a file too' }]);
  const sent = unnamed.map(({ name, sha256 }): [string, string] => [name, sha256]);
  return { ...json, files: Object.fromEntries([...files, ...sent]) };
}

interface PutFilesInput<F> {
  userId: string;
  /** of the request, after {@link withUploaded} */
  files: F;
  uploads?: readonly Upload[];
}

/**
 * Stores what was sent, within the tenant's share.
 * @returns the assets that the files are, by their paths; lower-case hex
 * @throws CodedError as `putAsset`
 */
export async function putFiles(
  underWay: UnderWay,
  deps: PutAssetDeps,
  { userId, files, uploads }: PutFilesInput<Readonly<Record<string, FileInput>>>,
): Promise<Record<string, string>> {
  return putSentFiles((file) => putInTurn(underWay, deps, { userId, ...file }), files, uploadedFiles(uploads));
}

/** The same for a request, whose parts may share files: each is stored once. @throws CodedError as `putAsset` */
export async function putRequestFiles(
  underWay: UnderWay,
  deps: PutAssetDeps,
  { userId, files, uploads }: PutFilesInput<ReturnType<typeof requestFiles>>,
): Promise<RequestAssets> {
  return putFilesOfParts((file) => putInTurn(underWay, deps, { userId, ...file }), files, uploadedFiles(uploads));
}

function uploadedFiles(uploads: readonly Upload[] = []): Map<string, FileToPut> {
  return new Map(uploads.map((upload) => [upload.sha256, { type: upload.type, bytes: bytesOf(upload) }]));
}

/** Stores a file within the tenant's share. @throws CodedError as `putAsset` */
export async function putInTurn(
  underWay: UnderWay,
  deps: PutAssetDeps,
  input: { userId: string; type: string; bytes: StoreFileBytes },
): ReturnType<typeof putAsset> {
  const put = () => putAsset(deps, input);
  // In the database a large one takes long, and from the connections of all.
  const isLarge = input.bytes.size > LARGE_BODY_BYTES && deps.assetStores.current.isInDatabase;
  return isLarge ? underWay.writingLarge(input.userId, put) : underWay.writing(input.userId, put);
}

/** The content of a file on disk, in pieces of 1 MB. */
export function bytesOf({ path, size, sha256 }: Pick<Upload, 'path' | 'size' | 'sha256'>): StoreFileBytes {
  const chunks = {
    *[Symbol.iterator]() {
      const file = openSync(path, 'r');
      try {
        for (let at = 0; at < size;) {
          const piece = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
          const read = readSync(file, piece, 0, piece.byteLength, at);
          if (read === 0) return; // the store finds that there are too few bytes
          at += read;
          yield piece.subarray(0, read);
        }
      } finally {
        closeSync(file);
      }
    },
  };
  return { chunks, size, sha256 };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
