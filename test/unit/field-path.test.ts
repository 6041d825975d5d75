import { describe, expect, it } from 'vitest';
import { fieldWithin, pathText } from '../../src/domain/field-path.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';

describe('the path of a field', () => {
  it.each<[PropertyKey[], string]>([
    [['options', 'margin', 'top'], 'options.margin.top'],
    [['cookies', 2, 'name'], 'cookies[2].name'],
    [['files', 'a.css'], 'files["a.css"]'],
    [['files', 'a?css'], 'files["a?css"]'],
    [['files', 'a"]["b'], 'files["a\\"][\\"b"]'],
    [['data', 'größe', 'X-1', '7', '', 'a b'], 'data.größe.X-1["7"][""]["a b"]'],
    [['first name'], '["first name"]'],
    [['data', 'a\n\u001b[2J\u202eb\u2028\u{1f600}\ud800'], 'data["a??[2J?b?\u{1f600}?"]'],
    [['data', 'x'.repeat(5_000)], `data.${'x'.repeat(100)}`],
    [['data', `${'x'.repeat(99)}\u{1f600}`], `data["${'x'.repeat(99)}?"]`],
    [[], '(body)'],
  ])('of %j is %s', (path, text) => expect(pathText(path)).toBe(text));

  it('is different for different places', () => {
    const names = ['a', 'a.b', 'a/b', 'a b', 'a?b', 'a"b', 'a\\b', "a'b", '[0]', '.a', '0', '', '"', '\\"'];
    const paths = [...names, 0].flatMap((name) => [[name], ...names.map((next) => [name, next])]);
    expect(new Set(paths.map((path) => pathText(path))).size).toBe(paths.length);
  });

  it('is put behind another', () => {
    expect(['format', '["a b"]', '[0].a', '(body)', ''].map((field) => fieldWithin('request', field))).toEqual([
      'request.format',
      'request["a b"]',
      'request[0].a',
      'request',
      'request',
    ]);
    const ofPart = parsePdfRequest({ parts: [{ html: 'x', 'page size': 1 }] });
    expect(ofPart.ok || ofPart.fields).toMatchObject([{ field: 'parts[0]["page size"]' }]);
    const unknown = parsePdfRequest({ html: 'x', 'time out': 1 });
    expect(unknown.ok || unknown.fields).toMatchObject([{ field: '["time out"]' }]);
  });
});
