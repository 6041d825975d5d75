import { randomBytes, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { DISPOSITIONS, keyIdOf, type Link, readLink, signLink } from '../../src/links/link-token.ts';

const keyOf = (id: number) => ({ id, secret: randomBytes(32) });
const key = keyOf(1);
const link: Link = {
  userId: uuidv7(),
  jobId: uuidv7(),
  position: 0,
  disposition: 'inline',
  revocations: 0,
  expiresAt: Date.parse('2031-01-01T00:00:00Z'),
};

describe('a link', () => {
  it('says what was signed, and nothing else is needed in a URL', () => {
    for (let turn = 0; turn < 1_000; turn++) {
      const other: Link = {
        userId: uuidv7(),
        jobId: uuidv7(),
        position: randomInt(32_768),
        disposition: DISPOSITIONS[turn % 2] ?? 'inline',
        revocations: randomInt(2 ** 31),
        expiresAt: randomInt(2 ** 47),
      };
      const its = keyOf(randomInt(2 ** 31));
      const token = signLink(other, its);
      expect(token).toMatch(/^[\w-]{88}$/);
      expect([keyIdOf(token), readLink(token, its)]).toEqual([its.id, other]);
    }
  });

  it.each([
    ['another user', { userId: uuidv7() }],
    ['another job', { jobId: uuidv7() }],
    ['another file', { position: 1 }],
    ['another disposition', { disposition: 'attachment' as const }],
    ['another revocation', { revocations: 1 }],
    ['another expiry', { expiresAt: link.expiresAt + 1 }],
  ])('is another one with %s', (_, change) => {
    const [ours, theirs] = [link, { ...link, ...change }].map((each) => Buffer.from(signLink(each, key), 'base64url'));
    const mixed = Buffer.concat([theirs?.subarray(0, 50) ?? '', ours?.subarray(50) ?? ''] as Uint8Array[]);
    expect(readLink(mixed.toString('base64url'), key)).toBeUndefined();
  });

  it('is read with the key that signed it, not with one of the same number', () => {
    const token = signLink(link, key);
    expect(readLink(token, key)).toEqual(link);
    expect(readLink(token, keyOf(1))).toBeUndefined();
    expect(readLink(token, { ...key, id: 2 })).toBeUndefined();
  });

  it('is nothing in any other spelling', () => {
    const token = signLink(link, key);
    const spellings = [
      '',
      `${token}=`,
      `${token}A`,
      `${token}AAAA`,
      ` ${token}`,
      `${token}\n`,
      token.slice(0, -1),
      token.toUpperCase(),
      token.replace(/.$/, '+'),
      token.replace(/.$/, '/'),
      'ſ'.repeat(88),
      'A'.repeat(100_000),
    ];
    for (const text of spellings) expect([text, readLink(text, key)]).toEqual([text, undefined]);
  });
});
