import { describe, expect, it } from 'vitest';
import { presignedPath, sha256, signedHeaders, type UnsignedRequest } from '../../src/storage/s3-signature.ts';

const access = {
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
};
const now = new Date('2013-05-24T00:00:00Z');
const host = 'examplebucket.s3.amazonaws.com';
const nothing = { host, 'x-amz-content-sha256': sha256('') };

describe('the signature of a request to S3', () => {
  // "Examples: Signature Calculations" in the reference of Amazon S3
  it.each<{ what: string; request: UnsignedRequest; names: string; signature: string }>([
    {
      what: 'an object to be stored',
      request: {
        method: 'PUT',
        path: '/test%24file.text',
        headers: {
          host,
          date: 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': sha256('Welcome to Amazon S3.'),
        },
      },
      names: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    },
    {
      what: 'a query without a value',
      request: { method: 'GET', path: '/?lifecycle=', headers: nothing },
      names: 'host;x-amz-content-sha256;x-amz-date',
      signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    },
    {
      what: 'a query that is not sorted',
      request: { method: 'GET', path: '/?prefix=J&max-keys=2', headers: nothing },
      names: 'host;x-amz-content-sha256;x-amz-date',
      signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    },
  ])('is the one that Amazon has published, for $what', ({ request, names, signature }) => {
    expect(signedHeaders(request, access, now)['Authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
    );
  });

  // "Authenticating Requests: Using Query Parameters" there
  it('is the one that Amazon has published, for a URL that anybody may use', () => {
    const path = presignedPath({ path: '/test.txt', host, seconds: 86_400 }, access, now);
    const query = new URLSearchParams(path.split('?')[1]);
    expect(path).toMatch(/^\/test\.txt\?/);
    expect(Object.fromEntries(query)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
      'X-Amz-Date': '20130524T000000Z',
      'X-Amz-Expires': '86400',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    });
    const temporary = presignedPath({ path: '/x', host, seconds: 1 }, { ...access, sessionToken: 'a/b+c' }, now);
    expect(new URLSearchParams(temporary.split('?')[1]).get('X-Amz-Security-Token')).toBe('a/b+c');
  });

  it('covers the token of temporary credentials', () => {
    const request = { method: 'GET', path: '/', headers: nothing };
    const signed = signedHeaders(request, { ...access, sessionToken: 'token' }, now);
    expect(signed['X-Amz-Security-Token']).toBe('token');
    expect(signed['Authorization']).toContain('x-amz-date;x-amz-security-token,');
  });
});
