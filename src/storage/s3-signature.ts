import { createHash, createHmac } from 'node:crypto';
import type { S3Access } from '../config/load.ts';

/** What is signed of a request. */
export interface UnsignedRequest {
  method: string;
  /** encoded */
  path: string;
  query: Readonly<Record<string, string>>;
  /** names in lower case, with `host` and `x-amz-content-sha256` */
  headers: Readonly<Record<string, string>>;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** The headers of a request, signed with Amazon's Signature Version 4. */
export function signedHeaders(
  { method, path, query, headers }: UnsignedRequest,
  { region, accessKeyId, secretAccessKey, sessionToken }: Omit<S3Access, 'endpoint'>,
  now: Date,
): Record<string, string> {
  const time = now.toISOString().replaceAll(/[:-]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const signed: Record<string, string> = { ...headers, 'x-amz-date': time };
  if (sessionToken !== undefined) signed['x-amz-security-token'] = sessionToken;
  const names = Object.keys(signed).toSorted();
  const request = [
    method,
    path,
    queryText(query),
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    signed['x-amz-content-sha256'],
  ];
  const scope = [day, region, 's3', 'aws4_request'];
  const key = scope.reduce<string | Buffer>((parent, part) => hmac(parent, part).digest(), `AWS4${secretAccessKey}`);
  const signature = hmac(key, [ALGORITHM, time, scope.join('/'), sha256(request.join('\n'))].join('\n')).digest('hex');
  const credential = `${accessKeyId}/${scope.join('/')}`;
  return {
    ...signed,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** A query as it is sent and signed: sorted by name, with `=` also where there is no value. */
export function queryText(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.map(encode).join('='))
    .join('&');
}

/** As in RFC 3986: encodeURIComponent leaves five more characters as they are. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string) {
  return createHmac('sha256', key).update(text);
}
