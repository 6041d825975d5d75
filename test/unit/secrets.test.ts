import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/kernel/secrets.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

describe('a text without secrets', () => {
  it.each([
    ['postgres://ann:secret@host/db', 'postgres://ann:[redacted]@host/db'],
    ['"postgres://ann:s:e/c@host" http://x:y@z', '"postgres://ann:[redacted]@host" http://x:[redacted]@z'],
    ['see http://host:80/a and a@b.example', 'see http://host:80/a and a@b.example'],
    ['x postgres://:secret@host', 'x postgres://:[redacted]@host'],
    ['see https://host/a?token=x#y and http://host/a#z.', 'see https://host/a and http://host/a'],
    ['{"a":"HTTP://host/?x","b":"1?2"}', '{"a":"HTTP://host/","b":"1?2"}'],
    [`key pdf_${'a'.repeat(40)}.`, 'key pdf_[redacted].'],
    [`"https://host/v1/links/${'aB_-'.repeat(22)}"`, '"https://host/v1/links/[redacted]"'],
  ])('is of %s: %s', (text, expected) => expect(withoutSecrets(text)).toBe(expected));

  it('lacks whatever the plain pattern finds, in generated lines', () => {
    const random = seededRandom(5);
    const pieces = ['a', '://', ':', '/', '@', ' ', '"', 'postgres://', 'ann', 'b:c', '.', '\n'];
    for (let turn = 0; turn < 20_000; turn++) {
      const text = Array.from({ length: 1 + Math.floor(random() * 12) }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      const expected = text.replaceAll(/(\w+:\/\/[^\s:/@"]*):[^\s@"]*@/g, '$1:[redacted]@');
      if (withoutSecrets(text) !== expected) expect([text, withoutSecrets(text)]).toEqual([text, expected]);
    }
  }); // prettier-ignore
});
