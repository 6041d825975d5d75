import { readFile } from 'node:fs/promises';
import type { Config } from '../config/load.ts';
import { readSigner } from '../finishing/write/read-signer.ts';
import type { Signer } from '../finishing/write/signer.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { type Check, fail, ok, warn } from './check.ts';

type SignerConfig = Pick<Config, 'signCertificateFile' | 'signPassword' | 'signTimestampUrl'>;

/** Reads the operator's certificate; undefined: there is none. */
export function signerReader(config: SignerConfig): (() => Promise<Signer>) | undefined {
  const { signCertificateFile: path, signPassword: password = '', signTimestampUrl: timestampUrl } = config;
  if (path === undefined) return undefined;
  return async () => {
    try {
      return await readSigner({ content: await readFile(path), password, timestampUrl });
    } catch (error) {
      throw new OperatorError(
        `SIGN_CERTIFICATE_FILE: ${path} cannot be used: ${messageOf(error)}\nallowed: PKCS #12, or PEM with a certificate and its key; its password in SIGN_PASSWORD, or in the file that SIGN_PASSWORD_FILE names`,
      );
    }
  };
}

const DAY_MS = 86_400_000;
/** It takes some time to get a new one. */
const SOON_DAYS = 30;

/** Whether PDFs can be signed, if the operator wants that. */
export async function checkSigner(config: SignerConfig, now = Date.now()): Promise<Check[]> {
  const read = signerReader(config);
  if (!read) return [];
  try {
    const { subject, validFrom, validTo, about } = await read();
    const until = `${subject}, until ${validTo.toISOString().slice(0, 10)}${about.hasTimestamps ? '; with time stamps' : ''}`;
    const fix = 'set SIGN_CERTIFICATE_FILE to a new certificate, and restart the workers';
    if (validTo.getTime() < now) return [fail('signing', `the certificate has expired: ${until}`, fix)];
    if (validFrom.getTime() > now)
      return [
        fail('signing', `the certificate is valid from ${validFrom.toISOString().slice(0, 10)} only: ${until}`, fix),
      ];
    if (validTo.getTime() < now + SOON_DAYS * DAY_MS)
      return [warn('signing', `the certificate expires soon: ${until}`, fix)];
    return [ok('signing', until)];
  } catch (error) {
    const [message = '', ...fix] = messageOf(error).split('\n');
    return [fail('signing', message, fix.join('\n'))];
  }
}
