import { foreignName, MOVING_PAGE } from '../domain/foreign-names.ts';
import { pdfRequestSchema } from '../domain/pdf-request.ts';
import { namesWithin } from '../domain/schema-names.ts';
import { fileNameProblem } from '../domain/file-name.ts';
import { mediaTypeOf, UNKNOWN_TYPE } from '../domain/media-type.ts';
import { REQUEST_BOUNDS } from '../domain/print-fields.ts';
import { invalidFields } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { unzip } from '../sources/unzip.ts';
import { ZipRefused } from '../sources/zip-entries.ts';
import { boundaryOf, type PartHeader, readMultipart } from './multipart.ts';
import { announcedBytes, received, tooLarge } from './received.ts';
import type { AppContext } from './route.ts';
import type { SavedFile, UploadFolder, UploadSpace } from './upload-space.ts';

/** A file that was sent. */
export interface Upload extends SavedFile {
  /** its path in the document's folder */
  name: string;
  /** of the part; undefined if it is one of a zip */
  part: string | undefined;
  /** that the part was sent with */
  filename?: string | undefined;
  /** media type */
  type: string;
}

/** What is sent as multipart/form-data. */
export interface Form {
  /** the field `request` */
  request: SavedFile | undefined;
  uploads: Upload[];
}

/** The field with the JSON. */
const REQUEST = 'request';
/** Names of parts that are no path. */
const NAMELESS = new Set(['file', 'files', 'file[]', 'files[]']);
const ZIP_TYPE = /^application\/(x-)?zip(-compressed)?\s*(;|$)/i;
const MULTIPART_TYPE = /^multipart\/form-data\s*(;|$)/i;
/** Milliseconds for a zip; it takes a few seconds on a slow disk. */
const UNZIP_MS = 60_000;

/** Whether a body is a form. */
export function isForm(c: AppContext): boolean {
  return MULTIPART_TYPE.test(c.req.header('content-type') ?? '');
}

/** Whether a body is a form or a zip. */
export function hasUploads(c: AppContext): boolean {
  const type = c.req.header('content-type') ?? '';
  return MULTIPART_TYPE.test(type) || ZIP_TYPE.test(type);
}

/**
 * Saves what is sent as multipart/form-data, or as a zip, in temporary files, and runs `work` with it within the tenant's
 * share.
 * @throws CodedError that names the part
 */
export async function withUploads<T>(c: AppContext, space: UploadSpace, work: (form: Form) => Promise<T>): Promise<T> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const bytes = announcedBytes(c) || space.maxBytes;
  return underWay.receiving(userId, bytes, () =>
    space.within(userId, async (folder) => work(await receiveForm(c, space, folder))),
  );
}

/** The same in a folder that is there already. */
export function receiveForm(c: AppContext, space: UploadSpace, folder: UploadFolder): Promise<Form> {
  return new Receiver(c, space, folder).receive();
}

class Receiver {
  readonly #c: AppContext;
  readonly #space: UploadSpace;
  readonly #folder: UploadFolder;
  readonly #uploads = new Map<string, Upload>();
  #request: SavedFile | undefined;
  #unzippedBytes = 0;

  constructor(c: AppContext, space: UploadSpace, folder: UploadFolder) {
    this.#c = c;
    this.#space = space;
    this.#folder = folder;
  }

  async receive(): Promise<Form> {
    const { maxBytes, maxFiles } = this.#space;
    const chunks = received(this.#c, maxBytes);
    const type = this.#c.req.header('content-type') ?? '';
    if (ZIP_TYPE.test(type)) await this.#addZip('(body)', await this.#folder.save(chunks));
    else {
      const options = { boundary: boundaryOf(type), maxParts: maxFiles + 1 };
      await readMultipart(chunks, options, (header, content) => this.#addPart(header, content));
    }
    return { request: this.#request, uploads: [...this.#uploads.values()] };
  }

  async #addPart(header: PartHeader, content: AsyncIterable<Buffer>): Promise<void> {
    const { label, name: part, filename, type } = header;
    if (part === REQUEST) {
      if (this.#request) throw refuse(label, 'it is there twice');
      this.#request = await this.#folder.save(atMost(content, REQUEST_BOUNDS.bodyBytes));
    } else if (filename === undefined) {
      throw refuse(label, `unknown field; allowed: request${hintFor(part)}`);
    } else if (/\.zip$/i.test(filename) || ZIP_TYPE.test(type ?? ''))
      await this.#addZip(label, await this.#folder.save(content));
    else {
      const name = nameOf(part, filename);
      const problem = fileNameProblem(name);
      if (problem !== undefined) throw refuse(label, problem);
      const file = await this.#folder.save(content);
      this.#add(label, { ...file, name, part, filename, type: typeOf(name, type) });
    }
  }

  async #addZip(label: string, zip: SavedFile): Promise<void> {
    const { maxBytes, maxFiles } = this.#space;
    try {
      const files = await unzip(zip.path, {
        maxFiles: maxFiles - this.#uploads.size,
        maxBytes: maxBytes - this.#unzippedBytes,
        place: () => this.#folder.nextPath(),
        onBytes: this.#folder.take,
        signal: AbortSignal.timeout(UNZIP_MS),
      });
      if (files.length === 0) throw refuse(label, 'the zip has no files');
      for (const file of files) {
        this.#unzippedBytes += file.size;
        this.#add(label, { ...file, part: undefined, type: typeOf(file.name, undefined) });
      }
    } catch (error) {
      if (error instanceof ZipRefused) throw refuse(label, `zip: ${error.message}`);
      throw error;
    }
  }

  #add(label: string, upload: Upload): void {
    if (this.#uploads.has(upload.name)) throw refuse(label, `${JSON.stringify(upload.name)} is there twice`);
    if (this.#uploads.size === this.#space.maxFiles) throw refuse(label, `allowed: ${this.#space.maxFiles} files`);
    this.#uploads.set(upload.name, upload);
  }
}

/** What somebody who sends a field probably means. Other services have a field of the form for each option. */
function hintFor(part: string): string {
  if (nearest(part, [REQUEST])) return '; did you mean request?';
  const names = namesWithin(pdfRequestSchema);
  const ours = foreignName([part], names) ?? names.find((name) => name === part || name.endsWith(`.${part}`));
  return ours === undefined ? '; a file has a filename' : `, whose JSON has it as ${ours} (${MOVING_PAGE})`;
}

const refuse = (field: string, message: string) => invalidFields([{ field, message }]);

/** A filename with folders is the path, as browsers send the files of a folder; otherwise the part's name is. */
function nameOf(part: string, filename: string): string {
  return (filename.includes('/') || NAMELESS.has(part) ? filename : part).normalize('NFC');
}

async function* atMost(content: AsyncIterable<Buffer>, maxBytes: number): AsyncIterable<Buffer> {
  let size = 0;
  for await (const piece of content) {
    size += piece.byteLength;
    if (size > maxBytes) throw tooLarge(REQUEST, maxBytes);
    yield piece;
  }
}

/** The media type that a file's name stands for, or that it was sent with. */
export function typeOf(name: string, sent: string | undefined): string {
  const isType = sent !== undefined && /^[\w.+-]{1,100}\/[\w.+-]{1,100}(\s{0,9};[ -~]{1,100})?$/.test(sent);
  return mediaTypeOf(name) ?? (isType ? sent : UNKNOWN_TYPE);
}
