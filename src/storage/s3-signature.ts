import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import aws4 from 'aws4';
import type { S3Access } from '../config/load.ts';

/** What is signed of a request. */
export interface UnsignedRequest {
  method: string;
  /** encoded, with the query */
  path: string;
  /** names in lower case, with `host` and `x-amz-content-sha256` */
  headers: Readonly<Record<string, string>>;
}

/** The headers of a request, signed with Amazon's Signature Version 4. */
export function signedHeaders(
  { method, path, headers }: UnsignedRequest,
  { region, accessKeyId, secretAccessKey, sessionToken }: Omit<S3Access, 'endpoint'>,
  now: Date,
): OutgoingHttpHeaders {
  const dated = { ...headers, 'x-amz-date': compact(now) };
  const token = sessionToken !== undefined && { sessionToken };
  const signed = aws4.sign(
    { service: 's3', region, method, path, headers: dated },
    { accessKeyId, secretAccessKey, ...token },
  );
  return signed.headers ?? {};
}

/**
 * The path of a GET request that anybody may send, with its signature in the query.
 * @param request `path`: encoded, with the query; `seconds`: until it expires, up to 7 days
 */
export function presignedPath(
  { path, host, seconds }: { path: string; host: string; seconds: number },
  { region, accessKeyId, secretAccessKey, sessionToken }: Omit<S3Access, 'endpoint'>,
  now: Date,
): string {
  const timed = `${path}${path.includes('?') ? '&' : '?'}X-Amz-Expires=${seconds}&X-Amz-Date=${compact(now)}`;
  const token = sessionToken !== undefined && { sessionToken };
  const request = { service: 's3', region, method: 'GET', path: timed, headers: { host }, signQuery: true };
  return aws4.sign(request, { accessKeyId, secretAccessKey, ...token }).path ?? '';
}

/** As S3 writes a time: `20130524T000000Z`. */
const compact = (time: Date) => time.toISOString().replaceAll(/[:-]|\.\d+/g, '');

/** A path with its query. */
export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('='));
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
