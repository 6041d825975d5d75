import { expect, it } from 'vitest';
import { judge } from '../../src/finishing/judge.ts';
import { readSigner } from '../../src/finishing/write/read-signer.ts';
import { NoTimestamp } from '../../src/finishing/write/signer.ts';
import { createCertificate } from '../support/certificate.ts';

const signer = await readSigner({
  content: Buffer.from(createCertificate({ kind: 'ec' }).both),
  password: '',
  timestampUrl: 'http://127.0.0.1:1/',
});
const failure = (asked: 'signature' | 'timestamp', data: Uint8Array) =>
  signer.answer(asked, data).then(
    () => undefined,
    (error: unknown) => error,
  );

it('a job with an upload is tried again if the server of time stamps does not answer', async () => {
  const error = await failure('timestamp', new Uint8Array(32));
  expect(error).toBeInstanceOf(NoTimestamp);
  expect(judge(error, 'sign', ['parts[0].pdf'])).toMatchObject({ kind: 'retry', code: 'finishing_failed' });
});

it('a job is refused whose upload makes the step ask for what no signature is made of', async () => {
  const error = await failure('timestamp', new Uint8Array(33));
  expect(error).toBeInstanceOf(Error);
  expect(judge(error, 'sign', ['parts[0].pdf'])).toMatchObject({ kind: 'reject', code: 'pdf_refused' });
});
