import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 30;
const CHECKSUM_LENGTH = 6;
const SHAPE = new RegExp(`^pdf_([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** `pdf_`, 178 random bits, a checksum. Shown once; only its hash is stored. */
export function generateKey(): string {
  let secret = '';
  while (secret.length < SECRET_LENGTH) {
    // 248 is the largest multiple of 62 in a byte: the bytes above would make some letters more likely.
    for (const byte of randomBytes(64)) if (byte < 248 && secret.length < SECRET_LENGTH) secret += ALPHABET[byte % 62];
  }
  return `pdf_${secret}${checksum(secret)}`;
}

/** Whether a text can be a key, without a query: a text with a typo or a missing end cannot. */
export function looksLikeKey(text: string): boolean {
  const match = SHAPE.exec(text);
  return match !== null && checksum(match[1] ?? '') === match[2];
}

/** What is stored. The key is random and long, so a fast hash is enough. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Shown in listings instead of the key. */
export function keyPrefix(key: string): string {
  return key.slice(0, 10);
}

function checksum(secret: string): string {
  let rest = crc32(secret);
  let text = '';
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    text = ALPHABET[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
