/** What everyone may know of the operator's certificate, as JSON. */
export interface PublicSigner {
  /** DER in base64 */
  certificate: string;
  /** those that vouch for it, DER in base64 */
  chain: string[];
  keyType: 'RSA' | 'EC';
  signatureAlgorithm: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA';
  hasTimestamps: boolean;
}

/** What a step may ask of the worker: a signature of data, or a time stamp (RFC 3161) of a digest with SHA-256. */
export type Asked = 'signature' | 'timestamp';

/** The operator's certificate with its key. */
export interface Signer {
  readonly about: PublicSigner;
  readonly subject: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** @throws NoTimestamp; or another Error if it is not what a signature is made of */
  answer(asked: Asked, data: Uint8Array): Promise<Uint8Array>;
}

/** No time stamp came: neither the document nor the request is the cause. */
export class NoTimestamp extends Error {
  override name = 'NoTimestamp';
}
