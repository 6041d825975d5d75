import { describe, expect, it } from 'vitest';
import { textProblem } from '../../src/domain/check-input.ts';
import { parseJson } from '../../src/jobs/parse-json.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

/** What is said of a body: by its bytes, and by its values. */
function problemOf(text: string): unknown {
  try {
    return textProblem(parseJson(Buffer.from(text)));
  } catch (error) {
    return error instanceof CodedError ? (error.fields?.[0] ?? error.code) : error;
  }
}

const TOO_MANY = 'allowed: at most 20000 values';
const TOO_DEEP = 'allowed: at most 32 levels of nesting';
const nested = (levels: number, inside: string) => '['.repeat(levels) + inside + ']'.repeat(levels);

describe('a body of JSON', () => {
  it.each([
    ['19,999 items', JSON.stringify(Array.from({ length: 19_999 }, () => 1)), undefined],
    ['20,000 items', JSON.stringify(Array.from({ length: 20_000 }, () => 1)), { field: '(body)', message: TOO_MANY }],
    ['19,999 empty objects', JSON.stringify(Array.from({ length: 19_999 }, () => ({}))), undefined],
    ['too many cookies', `{"html":"x", "cookies" : [${'1,'.repeat(20_000)}1]}`, { field: 'cookies', message: TOO_MANY }],
    ['too many in a list of lists', `{"a":[[1],{"b":[${'1,'.repeat(20_000)}1]}]}`, { field: 'a[1].b', message: TOO_MANY }],
    ['32 levels', nested(32, '1'), undefined],
    ['33 levels, the last one empty', nested(33, ''), undefined],
    ['33 levels', nested(33, '1'), { field: '[0]'.repeat(32), message: TOO_DEEP }],
    ['brackets and commas in a string', JSON.stringify({ html: '[{,:"\\'.repeat(50_000) }), undefined],
    ['a string that never ends', `{"html":"${'[,'.repeat(50_000)}`, 'invalid_json'],
    ['brackets that only close', ']'.repeat(50_000), 'invalid_json'],
    ['nothing', '', 'invalid_json'],
  ])('of %s', (_, text, problem) => expect(problemOf(text)).toEqual(problem)); // prettier-ignore

  it('is counted from its bytes as from its values', () => {
    const random = seededRandom(11);
    const grow = (levels: number): unknown => {
      if (levels === 0 || random() < 0.2) return ['x,[', 1, null, '"\\', [], {}][Math.floor(random() * 6)];
      const children = Array.from({ length: Math.floor(random() * 7) }, () => grow(levels - 1));
      return random() < 0.5 ? children : Object.fromEntries(children.map((child, index) => [`k"${index},`, child]));
    };
    const places = { fine: 0, refused: 0 };
    for (let turn = 0; turn < 24; turn++) {
      const value = Array.from({ length: Math.floor(random() * 400) }, () => grow(5));
      const byValues = textProblem(value);
      const byBytes = problemOf(JSON.stringify(value, undefined, turn % 3)) as typeof byValues;
      expect(byBytes?.message).toBe(byValues?.message); // the place is where the count was reached
      places[byValues ? 'refused' : 'fine']++;
    }
    expect(places.fine).toBeGreaterThan(3);
    expect(places.refused).toBeGreaterThan(3);
  });

  it('has strings of any length and with any escapes', () => {
    const random = seededRandom(12);
    const pieces = ['\\', '\\\\', '"', '[,', '\n', '\u00e9', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(200)];
    for (let turn = 0; turn < 2_000; turn++) {
      const text = Array.from(
        { length: 1 + Math.floor(random() * 9) },
        () => pieces[Math.floor(random() * pieces.length)],
      ).join('');
      const value = { [text]: [text, 1], more: text };
      expect(parseJson(Buffer.from(JSON.stringify(value)))).toEqual(value);
      if (turn % 100 > 0) continue; // the values behind the strings are counted too
      const many = `[${`${JSON.stringify(text)},`.repeat(20_000)}1]`;
      expect(problemOf(many)).toEqual({ field: '(body)', message: TOO_MANY });
    }
  });
});
