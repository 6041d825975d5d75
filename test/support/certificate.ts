import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

// A certificate in as few bytes of DER as it takes.

const DER = { integer: 0x02, bits: 0x03, oid: 0x06, utf8: 0x0c, time: 0x18, sequence: 0x30, set: 0x31, version: 0xa0 };

function der(tag: keyof typeof DER, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const long = content.length < 128 ? [] : content.length < 256 ? [0x81] : [0x82, content.length >> 8];
  return Buffer.concat([Buffer.from([DER[tag], ...long, content.length & 0xff]), content]);
}

const hex = (text: string) => Buffer.from(text, 'hex');
const COMMON_NAME = hex('550403');
const SIGNED_WITH = { rsa: hex('2a864886f70d01010b'), ec: hex('2a8648ce3d040302') };

const time = (date: Date) => der('time', Buffer.from(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`));

export interface CertificateOptions {
  kind?: 'rsa' | 'ec';
  name?: string;
  from?: Date;
  to?: Date;
  /** of its private key */
  passphrase?: string;
}

/** A certificate that vouches for itself, and its key: PEM. */
export function createCertificate(options: CertificateOptions = {}): {
  certificate: string;
  key: string;
  both: string;
} {
  const { kind = 'rsa', name = 'Tess Tester', passphrase } = options;
  const { from = new Date(Date.now() - 86_400_000), to = new Date(Date.now() + 365 * 86_400_000) } = options;
  const format = { type: 'pkcs8', format: 'pem' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding, privateKeyEncoding: format })
      : generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding: format });
  const algorithm = der('sequence', der('oid', SIGNED_WITH[kind]), ...(kind === 'rsa' ? [hex('0500')] : []));
  const subject = der('sequence', der('set', der('sequence', der('oid', COMMON_NAME), der('utf8', Buffer.from(name)))));
  const validity = der('sequence', time(from), time(to));
  const serial = der('integer', Buffer.from([1]), randomBytes(8));
  const version = der('version', der('integer', Buffer.from([2])));
  const signed = der('sequence', version, serial, algorithm, subject, validity, subject, pair.publicKey);
  const signature = sign('sha256', signed, pair.privateKey);
  const whole = der('sequence', signed, algorithm, der('bits', Buffer.from([0]), signature));
  const lines = whole.toString('base64').replaceAll(/.{64}/g, '$&\n');
  const certificate = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  const key =
    passphrase === undefined
      ? pair.privateKey
      : createPrivateKey(pair.privateKey)
          .export({ ...format, cipher: 'aes-256-cbc', passphrase })
          .toString();
  return { certificate, key, both: certificate + key };
}
