import { expect, it } from 'vitest';
import { addressOf } from '../../src/storage/s3-client.ts';

it.each([
  { bucket: 'pdfs', region: 'eu-west-3', address: 'https://pdfs.s3.eu-west-3.amazonaws.com/' },
  { bucket: 'pdfs.example.com', region: 'us-east-1', address: 'https://s3.us-east-1.amazonaws.com/pdfs.example.com' },
  {
    bucket: 'pdfs',
    region: 'auto',
    endpoint: 'https://abc.r2.cloudflarestorage.com/',
    address: 'https://abc.r2.cloudflarestorage.com/pdfs',
  },
  { bucket: 'pdfs', region: 'auto', endpoint: 'http://minio:9000', address: 'http://minio:9000/pdfs' },
  {
    bucket: 'pdfs',
    region: 'auto',
    endpoint: 'https://example.com/storage/s3',
    address: 'https://example.com/storage/s3/pdfs',
  },
])('the bucket $bucket at $endpoint is at $address', ({ bucket, region, endpoint, address }) => {
  expect(addressOf(bucket, { region, endpoint }).href).toBe(address);
});
