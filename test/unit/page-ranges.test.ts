import { describe, expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

const isAllowed = (pageRanges: string) => parsePdfRequest({ html: 'x', options: { pageRanges } }).ok;

/** The same language, a list at a time and a part at a time. */
const isList = (text: string) =>
  text.split(',').every((part) => /^(\d+|\d+\s*-|\d+\s*-\s*\d+|-\s*\d+)$/.test(part.trim()));

describe('options.pageRanges', () => {
  it('is a list of numbers and ranges, whatever spaces are between them', () => {
    const random = seededRandom(3);
    const letters = ['1', '23', '-', ',', ' ', '\n', '\u00a0', '1-', '- ', 'x'];
    let allowed = 0;
    for (let turn = 0; turn < 5_000; turn++) {
      const text = Array.from({ length: 1 + Math.floor(random() * 8) }, () => letters[Math.floor(random() * letters.length)]).join('');
      if (isAllowed(text) !== isList(text)) expect(JSON.stringify(text)).toBe(isList(text) ? 'allowed' : 'refused');
      if (isList(text)) allowed++;
    }
    expect(allowed).toBeGreaterThan(100);
  }); // prettier-ignore

  it('that is no list is refused at once', () => {
    expect(isAllowed(`${'1-  ,'.repeat(17)}x`)).toBe(false);
    expect(isAllowed(`${'1-  '.repeat(20)}x`)).toBe(false);
  });
});
