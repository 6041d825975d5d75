import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';
import { growsFaster } from '../support/linear.ts';
import { findRegexes, type FoundRegex } from '../support/regexes.ts';

const { literals, made } = findRegexes();

/**
 * Two ways to see that a pattern can take longer than its input is long. The analysis finds every attack with one
 * character; the measurement tries parts of what the pattern is made of, over and over, which finds those with
 * a word such as `<link`.
 * @param length characters of the shorter of two texts that are measured
 */
function problemsOf({ source, flags }: Pick<FoundRegex, 'source' | 'flags'>, length = 8_000): string[] {
  const { reports } = analyse({ source, flags });
  if (reports.length > 0) return reports.map(({ type, character }) => `${type} over ${character.literal.source}`);
  const pattern = new RegExp(source, flags);
  for (const pump of pumpsOf(source)) {
    const slow = growsFaster(Math.ceil(length / pump.length), (n) => {
      const text = pump.repeat(n);
      return () => text.search(pattern);
    });
    if (slow !== undefined) return [`${JSON.stringify(pump)} over and over: ${slow}`];
  }
  return [];
}

/** Words that a part of the pattern may begin with: what is literal in it, with one of each class between. */
function pumpsOf(source: string): string[] {
  const plain = source
    .replaceAll(/\(\?(?:[:=!]|<[=!])/g, '(')
    .replaceAll(/\[\^[^\]]*\]/g, '~')
    .replaceAll(/\[([^\]\\])[^\]]*\]/g, '$1')
    .replaceAll(/\[[^\]]*\]/g, 'a')
    .replaceAll(/\\[sS]/g, ' ')
    .replaceAll(/\\d/g, '1')
    .replaceAll(/\\[wWDpP](\{[^}]*\})?/g, 'a')
    .replaceAll(/\\b/g, '')
    .replaceAll(/\{[\d,]*\}|[*+?^$]/g, '')
    .replaceAll(/\\(.)/g, '$1');
  const words = plain.split(/[()|]+/).filter((word) => word !== '');
  const pumps = new Set<string>();
  for (const [index, word] of words.entries()) {
    for (let length = 1; length <= Math.min(word.length, 24); length++) pumps.add(word.slice(0, length));
    const next = words[index + 1] ?? '';
    for (const pump of [word, word + next, `${words[0]}${word}`, `${words[0]}${word}${next}`])
      for (const separator of ['', ' ', ' x', '\n']) pumps.add(pump + separator);
  }
  return [...pumps];
}

describe('the patterns of the program', () => {
  it('are found', () => {
    expect(literals.length).toBeGreaterThan(80);
  });

  it.each(literals.map((regex) => [`${regex.at} /${regex.source}/${regex.flags}`, regex] as const))(
    '%s takes time in proportion to its input',
    (_, regex) => expect(problemsOf(regex)).toEqual([]),
  );

  it('are put together nowhere but from two numbers of ours', () => {
    expect(made.map(({ at, code }) => [at.split(':')[0], code])).toEqual([
      ['accounts/key-format.ts', 'new RegExp(`^pdf_([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`)'],
    ]);
  }); // prettier-ignore

  it.each([
    String.raw`<(?:link|style)[^>]*\s(?:title|blocking)\s*=`,
    String.raw`<meta[^>]*referrer`,
    String.raw`<\s*\/?\s*script`,
    String.raw`\s*,\s*`,
    String.raw`^\s*(\d+\s*(-\s*\d*\s*)?|-\s*\d+\s*)(,\s*(\d+\s*(-\s*\d*\s*)?|-\s*\d+\s*))*$`,
    String.raw`(\w+:\/\/[^\s:/@"]*):[^\s@"]*@`,
    String.raw`^-+|-+$`,
    String.raw`<!--[^]*?-->`,
  ])('/%s/ would be noticed', (source) => expect(problemsOf({ source, flags: 'i' }, 16_000)).not.toEqual([]));
});
