import { describe, expect, it } from 'vitest';
import { urlMatcher, urlPatternProblem } from '../../src/domain/url-pattern.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

const matches = (pattern: string, url: string) => urlMatcher([pattern])(url);

/** The same by trying every length of each `*`, which takes more than linear time. */
function plainly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [first = '', rest] = [pattern[0], pattern.slice(1)];
  if (first !== '*') return text.startsWith(first) && plainly(rest, text.slice(1));
  return Array.from({ length: text.length + 1 }, (_, skipped) => skipped).some((skipped) =>
    plainly(rest, text.slice(skipped)),
  );
}

describe('a pattern of URLs', () => {
  it.each([
    ['*', 'https://example.com/', true],
    ['https://example.com/', 'https://example.com/', true],
    ['https://example.com/', 'https://example.com/a', false],
    ['*.png', 'https://example.com/a.png', true],
    ['*.png', 'https://example.com/a.png?b', false],
    ['*.png*', 'https://example.com/a.png?b', true],
    ['*?b=1', 'https://example.com/a?b=1', true],
    ['*?b=1', 'https://example.com/axb=1', false], // only * is special
    ['*://*.example.com/*', 'https://cdn.example.com/x', true],
    ['*://*.example.com/*', 'https://example.com/x', false],
    ['*/a.png', 'https://example.com/a.png#part', true],
    ['http*', 'ftp://example.com', false],
  ])('%s with %s: %s', (pattern, url, expected) => {
    expect(matches(pattern, url)).toBe(expected);
  });

  it('matches what plain trying finds, over generated patterns and texts', () => {
    const random = seededRandom(11);
    const text = (letters: string, most: number) =>
      Array.from({ length: Math.floor(random() * most) }, () => letters[Math.floor(random() * letters.length)]).join(
        '',
      );
    let found = 0;
    for (let turn = 0; turn < 30_000; turn++) {
      const pattern = text('aab*', 9);
      const url = text('aab', 12);
      const expected = plainly(pattern, url);
      if (expected) found++;
      if (matches(pattern, url) !== expected) expect({ pattern, url }).toBe('judged as by plain trying');
    }
    expect(found).toBeGreaterThan(3_000);
  });

  it('takes linear time, whatever it is made of', () => {
    const bombs = [
      `*${'a'.repeat(198)}b`,
      `*${'a'.repeat(99)}*${'a'.repeat(98)}b*`,
      `${'*a'.repeat(99)}b`,
      `${'*'.repeat(199)}b`,
    ];
    const isMatch = urlMatcher(Array.from({ length: 50 }, (_, index) => bombs[index % bombs.length] ?? ''));
    const start = performance.now();
    for (let turn = 0; turn < 20; turn++) expect(isMatch(`https://example.com/${'a'.repeat(2_000_000)}`)).toBe(false);
    expect(performance.now() - start).toBeLessThan(20_000); // with backtracking it would be hours
  });

  it.each(['*', 'https://example.com/*', 'http*', '*.png?x=[1]', '*/a+b(c)$d.js'])('%s is one', (pattern) => {
    expect(urlPatternProblem(pattern)).toBeUndefined();
  });

  it.each(['', 'example.com', '.*\\.css', '.*ads.*', '^https', '/ads/', '(a|b)', '*(a|b)', '*\\d', 'ftp://x', '* x'])(
    '%j is none, with what is allowed',
    (pattern) => {
      expect(urlPatternProblem(pattern)).toMatch(/^allowed: a URL in which \* stands for any characters/);
    },
  );
});
