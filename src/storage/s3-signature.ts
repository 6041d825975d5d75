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
  const dated = { ...headers, 'x-amz-date': now.toISOString().replaceAll(/[:-]|\.\d+/g, '') };
  const token = sessionToken !== undefined && { sessionToken };
  const signed = aws4.sign(
    { service: 's3', region, method, path, headers: dated },
    { accessKeyId, secretAccessKey, ...token },
  );
  return signed.headers ?? {};
}

/** A path with its query. */
export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('='));
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
