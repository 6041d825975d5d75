import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { OperatorError } from '../../kernel/errors.ts';
import { type Asked, NoTimestamp, type PublicSigner, type Signer } from './signer.ts';

export interface SignerFile {
  /** PKCS #12, or certificates and their key as PEM */
  content: Uint8Array;
  password: string;
  /** of a server of time stamps (RFC 3161) */
  timestampUrl?: string | undefined;
}

interface Key extends Pick<PublicSigner, 'keyType' | 'signatureAlgorithm'> {
  certificates: X509Certificate[];
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Of an answer of a server of time stamps. */
const TIMESTAMP_MS = 10_000;
/** Signed attributes have some 300 bytes. Whatever else is asked for is not what a signature is made of. */
const MAX_SIGNED_BYTES = 4_096;
const DER_SET = 0x31;
/** The attribute contentType with the value data, and the beginning of messageDigest with SHA-256. */
const DATA_TYPE = Buffer.from('06092a864886f70d010903310b06092a864886f70d010701', 'hex');
const DIGEST = Buffer.from('06092a864886f70d01090431220420', 'hex');
const DIGEST_BYTES = 32;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads a certificate with its key, and tries whether they belong together.
 * @throws OperatorError that says what is wrong with the file; it quotes neither key nor password
 */
export async function readSigner({ content, password, timestampUrl }: SignerFile): Promise<Signer> {
  const text = Buffer.from(content).toString('latin1');
  const key = text.includes('-----BEGIN ') ? readPem(text, password) : await readP12(content, password);
  const { certificates, keyType, signatureAlgorithm } = key;
  const leaf = await certificateOf(key);
  const others = certificates.filter((each) => each !== leaf);
  const timestamp = timestampUrl === undefined ? undefined : await timestampsOf(timestampUrl);
  return {
    about: {
      certificate: leaf.raw.toString('base64'),
      chain: others.map(({ raw }) => raw.toString('base64')),
      keyType,
      signatureAlgorithm,
      hasTimestamps: timestamp !== undefined,
    },
    subject: leaf.subject.replaceAll('\n', ', '),
    validFrom: new Date(leaf.validFrom),
    validTo: new Date(leaf.validTo),
    async answer(asked: Asked, data: Uint8Array) {
      if (asked === 'timestamp' && timestamp && data.length === DIGEST_BYTES) return timestamp(data);
      if (asked === 'signature' && isAttributes(data)) return key.sign(data);
      throw new Error('something is to be signed that no signature is made of');
    },
  };
}

/** Whether it is a whole set of attributes, among them what a signature of data has: its type and its digest. */
function isAttributes(data: Uint8Array): boolean {
  const bytes = Buffer.from(data);
  if (bytes.length > MAX_SIGNED_BYTES || bytes[0] !== DER_SET) return false;
  const [, length = 0, high = 0, low = 0] = bytes;
  const [head, size] = length < 0x80 ? [2, length] : length === 0x81 ? [3, high] : [4, high * 256 + low];
  return length <= 0x82 && head + size === bytes.length && bytes.includes(DATA_TYPE) && bytes.includes(DIGEST);
}

function readPem(text: string, password: string): Key {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, passphrase: password });
  } catch {
    throw new OperatorError('it has no private key that SIGN_PASSWORD opens'); // oxlint-disable-line preserve-caught-error
  }
  const keyType = { rsa: 'RSA', ec: 'EC' }[String(key.asymmetricKeyType)];
  if (keyType !== 'RSA' && keyType !== 'EC')
    throw new OperatorError(`its key is of the kind ${key.asymmetricKeyType}; allowed: RSA, EC`);
  return {
    certificates: [...text.matchAll(PEM_CERTIFICATE)].map(([pem]) => new X509Certificate(pem)),
    keyType,
    signatureAlgorithm: keyType === 'RSA' ? 'RSASSA-PKCS1-v1_5' : 'ECDSA',
    sign: (data) => sign('sha256', data, key),
  };
}

async function readP12(content: Uint8Array, password: string): Promise<Key> {
  const { P12Signer } = await import('../libpdf.ts'); // takes 250 ms, and few services sign
  try {
    const signer = await P12Signer.create(content, password);
    const { certificate, certificateChain, keyType, signatureAlgorithm } = signer;
    const certificates = [certificate, ...certificateChain].map((der) => new X509Certificate(der));
    return { certificates, keyType, signatureAlgorithm, sign: (data) => signer.sign(data, 'SHA-256') };
  } catch {
    throw new OperatorError('it is neither PEM nor a PKCS #12 file that SIGN_PASSWORD opens'); // oxlint-disable-line preserve-caught-error
  }
}

/** The certificate of the key; the others vouch for it. */
async function certificateOf(key: Key): Promise<X509Certificate> {
  const data = Buffer.from('any text');
  const signature = await key.sign(data);
  const leaf = key.certificates.find(({ publicKey }) => verify('sha256', data, publicKey, signature));
  if (!leaf) throw new OperatorError('it has no certificate of its private key');
  return leaf;
}

async function timestampsOf(url: string): Promise<(digest: Uint8Array) => Promise<Uint8Array>> {
  const { HttpTimestampAuthority } = await import('../libpdf.ts');
  const authority = new HttpTimestampAuthority(url, { timeout: TIMESTAMP_MS });
  return async (digest) => {
    try {
      return await authority.timestamp(digest, 'SHA-256');
    } catch (cause) {
      throw new NoTimestamp('the server of time stamps gave none', { cause });
    }
  };
}
