import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { namesIn, valueAt } from '../../src/http/studio/assets/data-names.js';
import { Draft, type Entry, isText } from '../../src/http/studio/assets/draft.js';
import { jsonFault } from '../../src/http/studio/assets/json-fault.js';
import { lineOfPath } from '../../src/http/studio/assets/json-place.js';
import { jsonProblem, placesOf } from '../../src/http/studio/assets/problems.js';
import { curlOf, typeScriptOf } from '../../src/http/studio/assets/snippets.js';

const run = promisify(execFile);

const DATA = `{
  "customer": { "first name": "Ada", "tags": ["a", "b"] },
  "items": [
    { "price": 1 },
    {
      "note": "\\"items\\": [ } \\\\",
      "price": 2
    }
  ]
}`;

describe('the line of a value', () => {
  it.each([
    ['', 1],
    ['.customer', 2],
    ['.customer["first name"]', 2],
    ['.customer.tags[1]', 2],
    ['.items', 3],
    ['.items[0].price', 4],
    ['.items[1]', 5],
    ['.items[1].price', 7],
    ['.items[1].missing', 5],
    ['.items[7]', 3],
    ['.nothing.at.all', 1],
  ])('%s is in line %d', (path, line) => {
    expect(lineOfPath(DATA, path)).toBe(line);
  });

  it('is the first one in what is not JSON', () => {
    for (const text of ['', '{', '{"a', '[[[', '{"a": }']) expect(lineOfPath(text, '.a.b')).toBeGreaterThan(0);
  });
});

describe('the place of an error', () => {
  it('is read from what the service says', () => {
    const message = 'invoice@7, partials/rows, all.html, line 12, column 5: unknown filter "mony" (job 01a20b1c)';
    expect(placesOf({ code: 'template_failed', message })).toEqual([
      { file: 'partials/rows, all.html', line: 12, column: 5, message: 'unknown filter "mony"' },
    ]);
    expect(placesOf({ code: 'template_failed', message: 'invoice@7: took longer than 5 s' })).toEqual([
      { message: 'invoice@7: took longer than 5 s' },
    ]);
  });

  it('is in the data, at each value', () => {
    const message = 'invoice@7: data.items[1].price: must be string; data.customer: is required';
    expect(placesOf({ code: 'data_invalid', message }, DATA)).toEqual([
      { file: 'data.json', line: 7, message: 'data.items[1].price: must be string' },
      { file: 'data.json', line: 2, message: 'data.customer: is required' },
    ]);
  });

  it('is the field of a request that is not valid', () => {
    const fields = [
      { field: 'files["template.json"].request.format', message: 'allowed: A4' },
      { field: 'files.LICENSE', message: 'x' },
    ];
    expect(placesOf({ code: 'invalid_request', message: 'x', fields })).toEqual([
      { file: 'template.json', message: 'files["template.json"].request.format: allowed: A4' },
      { file: 'LICENSE', message: 'files.LICENSE: x' },
    ]);
  });

  it('is known for JSON without the service', () => {
    expect(jsonProblem('a.json', '{}')).toBeUndefined();
    expect(jsonProblem('a.json', '{\n  "a": 1,\n  "b": tru\n}')).toEqual({
      file: 'a.json',
      line: 3,
      column: 8,
      message: 'not JSON: tru is no value; a text has double quotes',
    });
  });

  it.each([
    ['', 0, 'it ends too early'],
    ['{\n  "a": 1,\n', 12, 'it ends too early'],
    ['{"a" 1}', 5, 'a colon is expected'],
    ['{a: 1}', 1, 'a name in double quotes is expected'],
    ['[1, 2,]', 6, 'there is a comma before ]'],
    ['[1 2]', 3, 'a comma or ] is expected'],
    ['{} x', 3, 'there is more after the end'],
    ['["a\nb"]', 1, 'this text has no closing quote'],
    [String.raw`["\x"]`, 1, 'this text has a character or an escape that JSON does not have'],
    ['[01]', 1, '01 is no value; a text has double quotes'],
    ['['.repeat(100_000), 0, 'it is nested too deeply'],
  ])('%j', (text, offset, message) => {
    expect(jsonFault(text)).toEqual({ offset, message });
  });
});

describe('the names in the data', () => {
  const data = { customer: { name: 'Ada', 'not a name': 1 }, items: [{ price: 1, parts: [{ code: 'x' }] }] };
  const text = '{% for item in items %}{% for part in item.parts %}{{ part. }}{% for x in x %}';

  it('are those of an object, and of the items of a loop', () => {
    expect(valueAt(data, ['customer', 'name'], text)).toBe('Ada');
    expect(valueAt(data, ['item', 'price'], text)).toBe(1);
    expect(valueAt(data, ['part', 'code'], text)).toBe('x');
    for (const path of [['x'], ['nothing', 'at', 'all'], ['constructor'], ['(']])
      expect(valueAt(data, path, text)).toBeUndefined();
  });

  it('are offered if Liquid can name them', () => {
    expect(namesIn(data).variables.map(({ label }) => label)).toEqual(['customer', 'items']);
    const state = { sliceDoc: () => text };
    expect(namesIn(data).properties(['customer'], state)).toEqual([{ label: 'name', type: 'variable' }]);
    expect(namesIn(null).variables).toEqual([]);
  });
});

describe('a draft', () => {
  it('sends texts that changed, and what is stored by its id', () => {
    const draft = new Draft();
    const logo: Entry = { id: 'f'.repeat(64), size: 3, type: 'image/png' };
    draft.load(3, new Map<string, Entry>([['index.html', { text: 'a', id: '0'.repeat(64) }], ['logo.png', logo]])); // prettier-ignore
    expect([draft.hasChanges, draft.sent]).toEqual([
      false,
      { 'index.html': '0'.repeat(64), 'logo.png': 'f'.repeat(64) },
    ]);
    draft.files.set('index.html', { text: 'b' });
    expect([draft.hasChanges, draft.isChanged('index.html'), draft.isChanged('logo.png')]).toEqual([true, true, false]);
    expect(draft.sent['index.html']).toEqual({ text: 'b' });
    draft.files.set('index.html', { text: 'a' });
    expect(draft.hasChanges).toBe(false);
    draft.files.delete('logo.png');
    expect(draft.hasChanges).toBe(true);
  });

  it('lists the entry first, and folders last', () => {
    const draft = new Draft();
    for (const path of ['locales/de.json', 'style.css', 'index.md', 'data.json']) draft.files.set(path, { text: '' });
    expect(draft.paths).toEqual(['index.md', 'data.json', 'style.css', 'locales/de.json']);
  });

  it('edits texts, unless they are large', () => {
    expect(['a.html', 'a/b.LIQUID', 'a.png', 'a'].map((path) => isText(path))).toEqual([true, true, false, false]);
    expect(isText('a.css', 10_000_000)).toBe(false);
  });
});

describe('a request to be copied', () => {
  const request = { template: 'invoice@8', data: { who: `O'Neill "$HOME" \`id\` \\ \n\${1}` } };

  it('is one that a shell passes on as it is', async () => {
    const command = curlOf(request, 'http://x.example').replace(/^curl /, 'printf "%s\\0" ');
    const { stdout } = await run('sh', ['-c', command], { env: { PDFPROMPT_KEY: 'pdf_key' } });
    const sent = stdout.split('\0');
    expect(sent).toContain('Authorization: Bearer pdf_key');
    expect(JSON.parse(sent[sent.indexOf('-d') + 1] ?? '')).toEqual(request);
  });

  it('is one that a program sends as it is', () => {
    const program = typeScriptOf(request, 'http://x.example');
    const body = /body: (JSON\.stringify\([\s\S]*?\n {2}\}\)),\n\}\);/.exec(program)?.[1] ?? '';
    // oxlint-disable-next-line no-new-func, no-implied-eval -- it is the program that is tested
    const made = new Function(`return ${body}`) as () => string;
    expect(JSON.parse(made())).toEqual(request);
  });
});
