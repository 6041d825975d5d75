import { describe, expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

const isAllowed = (pageRanges: string) => parsePdfRequest({ html: 'x', options: { pageRanges } }).ok;

/** The same language, a list at a time and a part at a time. */
const isList = (text: string) =>
  text.trim() === '' ||
  text.split(',').every((part) => {
    const [, from = '1', until] = /^(\d+)?\s*(?:-\s*(\d+)?)?$/.exec(part.trim()) ?? ['', '0'];
    const isRight = (page: string) => page.length <= 7 && Number(page) >= 1;
    return (
      /\d/.test(part) && isRight(from) && (until === undefined || (isRight(until) && Number(from) <= Number(until)))
    );
  });

describe('options.pageRanges', () => {
  it('is a list of numbers and ranges, whatever spaces are between them', () => {
    const random = seededRandom(3);
    const letters = ['1', '23', '0', '-', ',', ' ', '\n', '\u00a0', '1-', '- ', 'x'];
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

  it.each(['', ' ', '3', '3-', '-3', '3-3', '8, 1-5', ' 1 - 2 ,4-'])('may be %j', (text) => {
    expect(isAllowed(text)).toBe(true);
  });

  it.each(['0', '5-3', '1, 9-8', '0-3', '-0', '1-0', '1--2', '--', ',', '1,', '1.5', '+1', '1e2', '٣', '12345678'])(
    'may not be %j',
    (text) => {
      expect(isAllowed(text)).toBe(false);
    },
  );
});
