import { createReadStream } from 'node:fs';
import { csvRows } from '../batches/csv-rows.ts';
import { jsonHead, jsonRows, ndjsonRows } from '../batches/json-rows.ts';
import type { SentRows } from '../batches/sent-row.ts';
import type { Scratch } from '../batches/spool.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { checkBody } from './body.ts';
import { isForm, receiveForm, type Upload } from './receive-uploads.ts';
import { announcedBytes, received } from './received.ts';
import { withUploaded } from './request-files.ts';
import type { AppContext } from './route.ts';
import type { UploadSpace } from './upload-space.ts';

/** A batch as it was sent, in temporary files. */
export interface SentBatch {
  /** all but the items, with what was sent beside them among the files of `request` */
  head: unknown;
  /** of the items, from the first each time */
  rows: () => SentRows;
  /** that `request` may name */
  uploads: readonly Upload[];
  scratch: Scratch;
}

/** The member, and the part of a form, that the items are. */
const ITEMS = 'items';
const CHUNK_BYTES = 256 * 1024;
const ALLOWED = 'allowed: a file .csv, .ndjson (or .jsonl) or .json, by its name or its type';

/**
 * Saves what is sent for a batch in temporary files, and runs `work` with it within the tenant's share: JSON, or a form
 * with the field `request` and a file `items`.
 * @throws CodedError that names the part
 */
export async function withBatch<T>(
  c: AppContext,
  space: UploadSpace,
  work: (sent: SentBatch) => Promise<T>,
): Promise<T> {
  const isFormSent = isForm(c);
  checkBody(c, { isForm: isFormSent, allowed: 'application/json, multipart/form-data' });
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const bytes = announcedBytes(c) || space.maxBytes;
  return underWay.receiving(userId, bytes, () =>
    space.within(userId, async (folder) => {
      const form = isFormSent ? await receiveForm(c, space, folder) : undefined;
      const request = form ? form.request : await folder.save(received(c, space.maxBytes));
      const open = (path: string) => createReadStream(path, { highWaterMark: CHUNK_BYTES });
      const head = request ? await jsonHead(open(request.path), ITEMS) : {};
      const file = form?.uploads.find(({ part }) => part === ITEMS);
      const uploads = form?.uploads.filter((upload) => upload !== file) ?? [];
      const rows = file ? () => readerOf(file)(open(file.path)) : request && (() => jsonRows(open(request.path), { within: ITEMS })); // prettier-ignore
      if (!rows || (form && !file && !hasItems(head)))
        throw invalidFields([{ field: ITEMS, message: `required: the rows of the batch; ${ALLOWED}` }]);
      if (file && hasItems(head)) throw invalidFields([{ field: ITEMS, message: 'allowed: in the field request, or as a file, not both' }]); // prettier-ignore
      return work({ head: withFiles(withoutItems(head), uploads), rows, uploads, scratch: folder });
    }),
  );
}

const hasItems = (head: unknown): head is { items: unknown } =>
  typeof head === 'object' && head !== null && ITEMS in head;

/** Where they were is empty now: the same batch may come as JSON or as a form. */
function withoutItems(head: unknown): unknown {
  if (!hasItems(head)) return head;
  const { items, ...rest } = head;
  return Array.isArray(items) && items.length === 0 ? rest : head;
}

function withFiles(head: unknown, uploads: readonly Upload[]): unknown {
  if (uploads.length === 0 || typeof head !== 'object' || head === null || !('request' in head)) return head;
  return { ...head, request: withUploaded(head.request, uploads) };
}

function readerOf({ filename, type }: Upload): (chunks: AsyncIterable<Buffer>) => SentRows {
  const [ending = ''] = /\.[a-z]+$/i.exec(filename ?? '') ?? [];
  switch (ending.toLowerCase()) {
    case '.csv':
    case '.tsv':
      return csvRows;
    case '.ndjson':
    case '.jsonl':
      return ndjsonRows;
    case '.json':
      return jsonRows;
    default:
  }
  const [media = ''] = type.toLowerCase().split(';');
  if (/^text\/(csv|tab-separated-values)$/.test(media.trim())) return csvRows;
  if (/^application\/(x-)?(ndjson|jsonl|json-lines)$/.test(media.trim())) return ndjsonRows;
  if (media.trim() === 'application/json') return jsonRows;
  throw new CodedError('unsupported_media_type', `${ITEMS}: ${ALLOWED}`);
}
