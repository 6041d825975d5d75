import { readFile } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import type { SentFile, SentForm } from '../../compat/conversion.ts';
import { CodedError, invalidFields } from '../../kernel/errors.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { boundaryOf, readMultipart } from '../multipart.ts';
import { announcedBytes, received, tooLarge } from '../received.ts';
import { typeOf, type Upload } from '../receive-uploads.ts';
import type { AppContext } from '../route.ts';
import type { SavedFile, UploadFolder, UploadSpace } from '../upload-space.ts';

/** A file of a form, on disk until its request ends. */
export interface FormFile extends SentFile, SavedFile {
  /** media type, by its name */
  type: string;
}

/** A form of another service. */
export interface ReceivedForm extends SentForm {
  files: readonly FormFile[];
}

/** Fields of a form, and bytes of all their values. */
const MAX_FIELDS = 500;
const FIELD_BYTES = 2 * MEGABYTE;
/** Bytes of a file whose text becomes part of a request. */
const TEXT_BYTES = 2 * MEGABYTE;

/**
 * Saves the files of a form in temporary files, and runs `work` with them within the tenant's share. The name of a file
 * says what it is; the name of its field, and the type that it was sent with, mean nothing.
 * @throws CodedError `unsupported_media_type`, `invalid_request`, `body_too_large`, `too_much_under_way`, `unavailable`
 */
export async function withSentForm<T>(
  c: AppContext,
  space: UploadSpace,
  work: (form: ReceivedForm, folder: UploadFolder) => Promise<T>,
): Promise<T> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const type = c.req.header('content-type') ?? '';
  if (!/^multipart\/form-data\s*(;|$)/i.test(type))
    throw new CodedError('unsupported_media_type', 'Content-Type: allowed: multipart/form-data');
  const bytes = announcedBytes(c) || space.maxBytes;
  return underWay.receiving(userId, bytes, () =>
    space.within(userId, async (folder) => work(await receive(c, space, folder, boundaryOf(type)), folder)),
  );
}

async function receive(
  c: AppContext,
  space: UploadSpace,
  folder: UploadFolder,
  boundary: string,
): Promise<ReceivedForm> {
  const { maxBytes, maxFiles } = space;
  const fields = new Map<string, string[]>();
  const files: FormFile[] = [];
  let fieldBytes = 0;
  await readMultipart(
    received(c, maxBytes),
    { boundary, maxParts: maxFiles + MAX_FIELDS, mayBeEmpty: true },
    async ({ label, name, filename }, content) => {
      if (filename !== undefined && filename !== '') {
        if (files.length === maxFiles) throw invalidFields([{ field: label, message: `allowed: ${maxFiles} files` }]);
        files.push(formFile(name, lastSegment(filename), await folder.save(content)));
        return;
      }
      const pieces: Buffer[] = [];
      for await (const piece of content) {
        fieldBytes += piece.byteLength;
        if (fieldBytes > FIELD_BYTES) throw tooLarge(name, FIELD_BYTES);
        pieces.push(piece);
      }
      const value = Buffer.concat(pieces);
      if (!isUtf8(value)) throw invalidFields([{ field: name, message: 'allowed: UTF-8' }]);
      fields.set(name, [...(fields.get(name) ?? []), value.toString('utf8')]);
    },
  );
  return { fields, files };
}

/** The name without folders, which `/` and `\` end, and without control characters. */
export function lastSegment(filename: string): string {
  const last = filename.split(/[/\\]/).at(-1) ?? '';
  return last.replaceAll(/\p{Cc}/gu, '').normalize('NFC');
}

/** A saved file as one of a form. */
export function formFile(field: string, name: string, saved: SavedFile): FormFile {
  const text = async () => {
    if (saved.size > TEXT_BYTES) throw tooLarge(name, TEXT_BYTES);
    const bytes = await readFile(saved.path);
    if (!isUtf8(bytes)) throw invalidFields([{ field: name, message: 'allowed: UTF-8' }]);
    return bytes.toString('utf8').replace(/^\uFEFF/, '');
  };
  return { ...saved, field, name, type: typeOf(name, undefined), text };
}

/** A file of a form as an upload of a request of ours. @param path in that request's `files` */
export function toUpload(file: FormFile, path: string): Upload {
  const { size, sha256, type } = file;
  return { path: file.path, size, sha256, type, name: path, part: undefined };
}
