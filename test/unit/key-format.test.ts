import { describe, expect, it } from 'vitest';
import { generateKey, hashKey, keyPrefix, looksLikeKey } from '../../src/accounts/key-format.ts';

describe('an API key', () => {
  it('has a prefix, 30 random letters and a checksum, and no two are alike', () => {
    const keys = Array.from({ length: 500 }, generateKey);
    for (const key of keys) expect(key).toMatch(/^pdf_[0-9A-Za-z]{36}$/);
    expect(new Set(keys).size).toBe(500);
    expect(keys.every(looksLikeKey)).toBe(true);
  });

  it('differs from a mistyped one without a query', () => {
    const key = generateKey();
    for (let at = 4; at < key.length; at++) {
      const typo = key.slice(0, at) + (key[at] === 'a' ? 'b' : 'a') + key.slice(at + 1);
      expect(looksLikeKey(typo)).toBe(false);
    }
    for (const text of ['', 'pdf_', key.slice(0, -1), `${key}x`, key.replace('pdf_', 'PDF_'), ` ${key}`])
      expect(looksLikeKey(text)).toBe(false);
  });

  it('is stored as a hash of 32 bytes, and listed by ten characters', () => {
    const key = generateKey();
    expect(hashKey(key)).toHaveLength(32);
    expect(Buffer.from(hashKey(key)).includes(key)).toBe(false);
    expect(keyPrefix(key)).toBe(key.slice(0, 10));
  });
});
