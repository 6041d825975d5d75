import type { ByteRange } from '../storage/store.ts';

/**
 * The one range that a `Range` header asks for (RFC 9110, 14.1.2).
 * @param size bytes of the whole
 * @returns `whole` if there is no range, or several, or an invalid one: those may be ignored;
 *   `unsatisfiable` if it begins after the last byte
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const [, from = '', until = ''] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '') ?? [];
  if (from === '' && until === '') return 'whole';
  if (from === '') {
    const count = Math.min(Number(until), size);
    return count === 0 ? 'unsatisfiable' : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = until === '' ? size - 1 : Math.min(Number(until), size - 1);
  if (until !== '' && Number(until) < first) return 'whole'; // not valid: ignored
  return first >= size ? 'unsatisfiable' : { first, last };
}

/** Whether an `If-None-Match` header matches the ETag: a list, weak or strong, or `*` (RFC 9110, 13.1.2). */
export function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => {
    const tag = entry.trim();
    return tag === '*' || tag.replace(/^W\//, '') === etag;
  });
}
