import { readSigner } from '../../src/finishing/write/read-signer.ts';
import type { Signer } from '../../src/finishing/write/signer.ts';
import { createCertificate } from './certificate.ts';

/** An operator's certificate that vouches for itself, for the option `readSigner` of a finisher. */
export function testSigner(): Promise<Signer> {
  return readSigner({ content: Buffer.from(createCertificate().both), password: '' });
}
