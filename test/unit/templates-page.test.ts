import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { templatePosition } from '../../src/templating/template-position.ts';
import { failure, fill } from '../support/templates.ts';

const page = readFileSync(new URL('../../docs/templates.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({ kind, text }));
const jsonOf = (mark: string) => blocks.find(({ kind, text }) => kind === 'json' && text.includes(mark))?.text ?? '';
const data = JSON.parse(jsonOf('"total"')) as object;
const strings = jsonOf('"greeting"');
const rows = [...page.matchAll(/^\| `(\{\{.+?\}\})` +\| `(.+?)`(.*?) *\|$/gm)].map(
  ([, example = '', shown = '', rest = '']) => ({ example: example.replaceAll('\\|', '|'), shown, rest }),
);
/** Spaces that do not break look like others. */
const plain = (text: string) => text.replaceAll(/[\u00A0\u202F]/g, ' ');

describe('docs/templates.md', () => {
  it('has an example of every filter of ours', () => {
    const names = new Set(rows.map(({ example }) => /\| (\w+)/.exec(example)?.[1] ?? ''));
    const ours = 'barcode date datetime day duration json list money newline_to_br number percent plural qr t time';
    expect([...names].toSorted((a, b) => a.localeCompare(b)).join(' ')).toBe(ours);
  });

  it.each(rows)('says what $example prints', ({ example, shown, rest }) => {
    const html = plain(
      fill({ 'index.html': example, 'locales/en.json': strings }, data, { timezone: 'Europe/Berlin' }),
    );
    if (rest === '') expect(html).toBe(shown);
    else expect(html.startsWith(shown)).toBe(true);
  });

  it('begins with a template that can be filled in', () => {
    const first = blocks.find(({ kind }) => kind === 'html')?.text ?? '';
    const sample = JSON.parse(/`(\{"number".*?\})` as/.exec(page)?.[1] ?? '') as object;
    expect(plain(fill(first, sample)).replaceAll(/\s+/g, ' ')).toBe(
      '<h1>Invoice R-1</h1> <table> <tr> <td>Pens &amp; paper</td> <td>€12.50</td> </tr> </table> <p>Due February 14, 2026</p> ',
    );
  });

  it('shows a request and a template.json that are allowed', () => {
    expect(parsePdfRequest(JSON.parse(jsonOf('"template"')))).toMatchObject({ ok: true });
    const { request, ...rest } = JSON.parse(jsonOf('"request"')) as { request: object };
    expect(parsePdfRequest({ html: 'x', ...request })).toMatchObject({ ok: true });
    expect(rest).toEqual({ description: 'An invoice' });
  });

  it('shows errors as they are', () => {
    const [invalid = '', failed = ''] = blocks.filter(({ kind }) => kind === 'text').map(({ text }) => text.trim());
    const schema = {
      required: ['number'],
      properties: { items: { items: { properties: { price: { type: 'number' } } } } },
    };
    const items = [{}, {}, {}, { price: '1' }];
    const data = { nummer: 7, items };
    expect(`invoice@7: ${failure({ 'index.html': '', 'schema.json': JSON.stringify(schema) }, data)}`).toBe(invalid);
    const row = `${'\n'.repeat(11)}<td>{{ item.pric }}</td>`;
    const texts = { 'index.html': "{% render 'partials/row', item: item %}", 'partials/row.html': row };
    expect(`invoice@7, ${failure(texts, { item: { price: 1 } })}`).toBe(failed);
    expect(templatePosition(failed)).toEqual({ file: 'partials/row.html', line: 12, column: 8 });
  });
});
