import { createHmac, timingSafeEqual } from 'node:crypto';

/** How a browser takes a file: it shows it, or saves it. */
export const DISPOSITIONS = ['inline', 'attachment'] as const;

/** What a link says, under the signature of the service. */
export interface Link {
  userId: string;
  jobId: string;
  /** of the file among those of the job, from 0 */
  position: number;
  disposition: (typeof DISPOSITIONS)[number];
  /** how often the links of the job had been revoked */
  revocations: number;
  /** Unix time in milliseconds */
  expiresAt: number;
}

/** A key that signs links. */
export interface LinkKey {
  id: number;
  /** 32 random bytes */
  secret: Uint8Array;
}

const VERSION = 1;
/** Where each field begins. */
const AT = { version: 0, disposition: 1, keyId: 2, position: 6, revocations: 8, expiresAt: 12, userId: 18, jobId: 34 };
const SIGNED_BYTES = 50;
/** Half of the HMAC-SHA256: 128 bits are enough, and the URL is shorter. */
const SIGNATURE_BYTES = 16;
/** 66 bytes fill their base64 letters to the last bit, so that a link is spelt in one way only. */
const SHAPE = /^[\w-]{88}$/;

export function signLink(link: Link, key: LinkKey): string {
  const bytes = Buffer.alloc(SIGNED_BYTES);
  bytes.writeUInt8(VERSION, AT.version);
  bytes.writeUInt8(DISPOSITIONS.indexOf(link.disposition), AT.disposition);
  bytes.writeUInt32BE(key.id, AT.keyId);
  bytes.writeUInt16BE(link.position, AT.position);
  bytes.writeUInt32BE(link.revocations, AT.revocations);
  bytes.writeUIntBE(link.expiresAt, AT.expiresAt, 6);
  bytes.write(link.userId.replaceAll('-', ''), AT.userId, 'hex');
  bytes.write(link.jobId.replaceAll('-', ''), AT.jobId, 'hex');
  return Buffer.concat([bytes, signature(bytes, key)]).toString('base64url');
}

/** The id of the key that a link names, whether it has signed it or not. @returns undefined for what can be no link */
export function keyIdOf(token: string): number | undefined {
  if (!SHAPE.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  return bytes.readUInt8(AT.version) === VERSION ? bytes.readUInt32BE(AT.keyId) : undefined;
}

/** @returns undefined unless the key has signed exactly this */
export function readLink(token: string, key: LinkKey): Link | undefined {
  if (keyIdOf(token) !== key.id) return undefined;
  const all = Buffer.from(token, 'base64url');
  const bytes = all.subarray(0, SIGNED_BYTES);
  if (!timingSafeEqual(all.subarray(SIGNED_BYTES), signature(bytes, key))) return undefined;
  const disposition = DISPOSITIONS[bytes.readUInt8(AT.disposition)];
  if (disposition === undefined) return undefined;
  return {
    userId: uuidAt(bytes, AT.userId),
    jobId: uuidAt(bytes, AT.jobId),
    position: bytes.readUInt16BE(AT.position),
    disposition,
    revocations: bytes.readUInt32BE(AT.revocations),
    expiresAt: bytes.readUIntBE(AT.expiresAt, 6),
  };
}

function signature(bytes: Uint8Array, { secret }: LinkKey): Buffer {
  return createHmac('sha256', secret).update(bytes).digest().subarray(0, SIGNATURE_BYTES);
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
