import { describe, expect, it } from 'vitest';
import { urlPatternsOf } from '../../src/compat/browserless/request-pattern.ts';
import { urlMatcher } from '../../src/domain/url-pattern.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

describe('a regular expression of URLs', () => {
  it.each([
    ['/^.*\\.(css)', ['*.css*']], // as the documentation of Cloudflare has it
    ['\\.(png|jpe?g)$', ['*.png', '*.jpeg', '*.jpg']],
    ['google-analytics.com', ['*google-analytics.com*']],
    ['^https://cdn\\.example\\.com/', ['https://cdn.example.com/*']],
    ['https?://ads\\.', ['*https://ads.*', '*http://ads.*']],
    ['(?:ads|track)\\/.+\\.js', ['*ads/*.js*', '*track/*.js*']],
    ['.*', ['*']],
    ['/\\.woff2?$/i', ['*.woff2', '*.woff']],
    ['*.css', ['*.css']],
  ])('%j is %j', (expression, patterns) => {
    expect(urlPatternsOf(expression)).toEqual(patterns);
  });

  it.each([
    '[a-z]+',
    '\\d',
    'a{2}',
    'a+',
    '(a|b)+',
    'a(b(c))',
    '(?=a)',
    'a|b',
    '\\bads\\b',
    '(',
    'a)',
    '(a|b)'.repeat(6),
    '?a',
  ])('%j cannot be written with *', (expression) => {
    expect(urlPatternsOf(expression)).toBeUndefined();
  });

  it('stands for the same URLs as its patterns', () => {
    const random = seededRandom(7);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
    const pieces = ['ads', '\\.', '/', '.*', '(a|b)', '(?:js|css)', 's?', '\\?', 'b', '-', '.+?'];
    const letters = ['ads', '.', '/', 'a', 'b', 'js', 'css', 's', '?', '-', 'x'];
    const make = (from: readonly string[], most: number) =>
      Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(from)).join('');
    let both = 0;
    for (let round = 0; round < 3_000; round++) {
      const expression = `${pick(['', '^https://'])}${make(pieces, 5)}${pick(['', '$'])}`;
      const patterns = urlPatternsOf(expression);
      // `.+` is one character more than `*`, and what begins with `/` may be in slashes.
      if (!patterns || /^\/|\.\+/.test(expression)) continue;
      const url = `https://${make(letters, 8)}`;
      const isMatch = new RegExp(expression).test(url);
      expect(urlMatcher(patterns)(url), `${expression} of ${url}`).toBe(isMatch);
      if (isMatch) both++;
    }
    expect(both).toBeGreaterThan(200);
  });
});
