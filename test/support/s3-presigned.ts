import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { sha256, signedHeaders } from '../../src/storage/s3-signature.ts';

/** A request whose signature is in its query, as Amazon describes it. */
export interface Presigned {
  /** S3's code if it is refused */
  refusal: string | undefined;
  /** the same request, signed by headers, for a server that reads such queries in its own way */
  path: string;
  headers: OutgoingHttpHeaders;
  /** headers of the answer that the query asks for */
  answer: Record<string, string>;
}

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** @returns undefined if the signature is not in the query */
export function presigned(
  {
    method = '',
    url = '',
    headers,
  }: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders },
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
): Presigned | undefined {
  const { pathname, searchParams } = new URL(url, 'http://bucket');
  const given = searchParams.get('X-Amz-Signature');
  if (given === null) return undefined;
  const value = (name: string) => searchParams.get(name) ?? '';
  const [keyId, ...scope] = value('X-Amz-Credential').split('/');
  const date = value('X-Amz-Date');
  const canonical = [
    method,
    pathname,
    [...searchParams].filter(([name]) => name !== 'X-Amz-Signature').map((pair) => pair.map(encode).join('=')).toSorted().join('&'),
    `host:${headers.host}\n`,
    'host',
    'UNSIGNED-PAYLOAD',
  ].join('\n'); // prettier-ignore
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope.join('/'), hash].join('\n')).toString('hex');
  const from = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  const seconds = Number(value('X-Amz-Expires'));
  const isOver = Date.now() > from + seconds * 1_000;
  const isWrong = signature !== given || keyId !== accessKeyId || value('X-Amz-SignedHeaders') !== 'host';
  const isTooLong = !(seconds >= 1 && seconds <= 604_800);
  const own = { host: headers.host ?? '', 'x-amz-content-sha256': sha256('') };
  const access = { region: scope[1] ?? '', accessKeyId, secretAccessKey, sessionToken: undefined };
  return {
    refusal: isWrong ? 'SignatureDoesNotMatch' : isTooLong || isOver ? 'AccessDenied' : undefined,
    path: pathname,
    headers: {
      ...signedHeaders({ method, path: pathname, headers: own }, access, new Date()),
      ...(headers.range !== undefined && { range: headers.range }),
    },
    answer: {
      'content-type': value('response-content-type'),
      'content-disposition': value('response-content-disposition'),
    },
  };
}
