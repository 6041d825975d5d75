import { describe, expect, it } from 'vitest';
import { cellTypes } from '../../src/batches/cell-types.ts';
import { csvRows } from '../../src/batches/csv-rows.ts';
import { itemFilename } from '../../src/batches/item-filename.ts';
import { jsonHead, jsonRows, ndjsonRows } from '../../src/batches/json-rows.ts';
import type { SentRow, SentRows } from '../../src/batches/sent-row.ts';
import { RowIds } from '../../src/batches/row-ids.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

/** Bytes in pieces of that size, as a file or a network may give them. */
async function* cut(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(rows: SentRows): Promise<SentRow[]> {
  const found: SentRow[] = [];
  for await (const piece of rows) found.push(...piece);
  return found;
}

const codeOf = async (rows: SentRows) =>
  all(rows).then(
    () => 'nothing',
    (error: unknown) => (error instanceof CodedError ? `${error.code}: ${error.message}` : error),
  );

type Reader = (chunks: AsyncIterable<Buffer>) => SentRows;
const read = (reader: Reader, text: string | Buffer, size = 65_536) => all(reader(cut(Buffer.from(text), size)));
const itemsOf = async (reader: Reader, text: string | Buffer, size?: number) =>
  (await read(reader, text, size)).map(({ item }) => item);

const random = seededRandom(21);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const TEXTS = ['a', 'Müller & Söhne', 'two\nlines', 'two\r\nlines', 'say "hi"', ';', ',', '\t', '日本語', '🧾', ' space ', '"', '=1+1', '0', '{[:,]}', '\\', 'x'.repeat(300)]; // prettier-ignore

describe('the rows of a CSV', () => {
  const NAMES = ['number', 'customer.name', 'customer.address.city', 'größe', 'with space'];

  it.each(Array.from({ length: 60 }, (_, index) => index))('are read as they were written (%i)', async (index) => {
    const separator = [',', ';', '\t'][index % 3] as string;
    const end = index % 2 === 0 ? '\n' : '\r\n';
    const rows = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
      NAMES.map(() => (random() < 0.2 ? '' : pick(TEXTS))),
    );
    const quote = (cell: string) =>
      random() < 0.3 || new RegExp(`["\r\n${separator}]`).test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
    const lines = [NAMES, ...rows].map((cells) => cells.map(quote).join(separator) + end);
    const blank = random() < 0.5 ? end.repeat(2) : '';
    const text = (random() < 0.5 ? '\uFEFF' : '') + lines.join(blank) + blank;
    const expected = rows
      .filter((cells) => cells.some((cell) => cell.trim() !== ''))
      .map((cells) => {
        const at = (name: string) => cells[NAMES.indexOf(name)] || undefined;
        const city = at('customer.address.city');
        const customer = { name: at('customer.name'), address: city === undefined ? undefined : { city } };
        const hasCustomer = customer.name !== undefined || city !== undefined;
        const data = {
          number: at('number'),
          customer: hasCustomer ? customer : undefined,
          größe: at('größe'),
          'with space': at('with space'),
        };
        return JSON.parse(JSON.stringify({ data })) as unknown;
      });
    for (const size of [1 + Math.floor(random() * 7), 65_536])
      expect(await itemsOf(csvRows, text, size)).toEqual(expected);
  });

  it('has columns of the item itself', async () => {
    const text = 'a,$filename,$title,$metadata.order,$metadata.a.b\n1,x.pdf,T,9,\n2,,,,c\n';
    expect(await read(csvRows, text)).toEqual([
      { row: 1, isText: true, item: { data: { a: '1' }, filename: 'x.pdf', title: 'T', metadata: { order: '9' } } },
      { row: 2, isText: true, item: { data: { a: '2' }, metadata: { 'a.b': 'c' } } },
    ]);
  });

  it('may be short, and have empty columns at the end', async () => {
    expect(await itemsOf(csvRows, 'a,b,,\n1\n2,3,,\n,,,\n4,5\n')).toEqual([{ data: { a: '1' } }, { data: { a: '2', b: '3' } }, { data: { a: '4', b: '5' } }]); // prettier-ignore
    const [row] = await read(csvRows, 'a,b\n1,2,3\n');
    expect(row?.problem).toEqual({ field: '', message: 'column 3 has no name' });
  });

  it.each([
    ['nothing', '', 'the CSV is empty'],
    ['the same column twice', 'a,b,a\n1,2,3', 'column "a": it is there twice'],
    ['a column within another', 'a,a.b\n1,2', 'column "a.b": "a" is a column too'],
    ['an unknown column', '$filenam\nx', 'did you mean $filename?'],
    ['a column without a meaning', '$x\n1', '$filename, $title'],
    ['a dangerous name', '__proto__.x\n1', 'allowed: names'],
    ['a name with an end', 'a.\n1', 'allowed: names'],
    ['a quote that is not closed', 'a,b\n1,"2\n3,4\n', 'a quoted field is not closed'],
    ['a quote within a field', 'a,b\n1,x"y\n', 'line 2: a quote within a field'],
    ['what follows a quoted field', 'a,b\n"1"x,2\n', 'line 2: a quote within a quoted field'],
    ['another encoding', Buffer.from('a\nM\xfcller\n', 'latin1'), 'the CSV is not UTF-8'],
    ['UTF-16', Buffer.from('\uFEFFa\nb\n', 'utf16le'), 'the CSV is not UTF-8'],
    ['a character that is cut off', Buffer.from('a\n€').subarray(0, 4), 'the CSV is not UTF-8'],
    [
      'too many columns',
      `${Array.from({ length: 1_001 }, (_, n) => `c${n}`).join(',')}\n`,
      'allowed: at most 1000 columns',
    ],
    ['a row that is too large', `a\n"${'x'.repeat(10_500_000)}"\n`, 'larger than 10485760 bytes'],
  ])('are refused: %s', async (_, text, message) => {
    const said = await codeOf(csvRows(cut(Buffer.from(text), 65_536)));
    expect(said).toContain('invalid_request: items: ');
    expect(said).toContain(message);
  });

  it('reads garbage without harm', async () => {
    for (let round = 0; round < 30; round++) {
      const bytes = Buffer.from(Array.from({ length: 500 }, () => Math.floor(random() * 256)));
      const said = await codeOf(csvRows(cut(bytes, 64)));
      expect(typeof said).toBe('string');
    }
  });
});

describe('items in JSON', () => {
  const items = Array.from({ length: 40 }, () => ({
    data: { [pick(TEXTS)]: [pick(TEXTS), { deep: [[], {}, pick(TEXTS)] }] },
  }));
  const within = (text: string, size: number) => jsonRows(cut(Buffer.from(text), size), { within: 'items' });

  it.each([1, 2, 7, 64, 65_536])('are the same in pieces of %i bytes', async (size) => {
    for (const indent of [undefined, 2, '\t']) {
      const others = { request: { html: '{"items":[1]}', x: '\\"items\\":[' }, metadata: { items: 1 } };
      for (const body of [
        { ...others, items },
        { items, ...others },
        { ...others, items: [] },
      ]) {
        const text = JSON.stringify(body, undefined, indent);
        expect((await all(within(text, size))).map(({ item }) => item)).toEqual(body.items);
        expect(await jsonHead(cut(Buffer.from(text), size), 'items')).toEqual({ ...body, items: [] });
      }
      const array = JSON.stringify(items, undefined, indent);
      expect(await itemsOf(jsonRows, array, size)).toEqual(items);
    }
    const lines = items.map((item) => JSON.stringify(item)).join('\n');
    for (const text of [lines, `${lines}\n`, `\uFEFF${lines.replaceAll('\n', '\r\n\r\n')}\r\n\r\n`]) {
      const rows = await read(ndjsonRows, text, size);
      expect(rows.map(({ item }) => item)).toEqual(items);
      expect(rows.map(({ row }) => row)).toEqual(items.map((_, index) => index + 1));
    }
  });

  it.each([
    ['cut off', '{"items":[{"a":1},{"b"'],
    ['cut off between two', '{"items":[{"a":1},'],
    ['with a comma at the end', '{"items":[{"a":1},]}'],
    ['with a comma at the beginning', '{"items":[,{"a":1}]}'],
    ['with two lists', '{"items":[1],"items":[2]}'],
    ['with brackets that do not fit', '{"items":[{"a":1]}'],
    ['with more behind it', '{"items":[1]}{"items":[2]}'],
    ['not UTF-8', Buffer.from('{"items":["\xff"]}', 'latin1').toString('latin1')],
    ['none', ''],
  ])('are refused: %s', async (_, text) => {
    for (const size of [1, 65_536])
      expect(await codeOf(jsonRows(cut(Buffer.from(text, 'latin1'), size), { within: 'items' }))).toContain(
        'invalid_json',
      );
  });

  it('are an array in a file', async () => {
    expect(await codeOf(jsonRows(cut(Buffer.from('{"data":{}}'), 9)))).toContain('a JSON file is an array of items');
    expect(await itemsOf(jsonRows, '[]')).toEqual([]);
  });

  it('has a problem for a line that is not JSON, too deep or too large', async () => {
    const deep = '['.repeat(40) + ']'.repeat(40);
    const rows = await read(
      ndjsonRows,
      `{"a":1}\n{"a":\n${'{"a":1}'.padEnd(20_000)}\n${deep.padEnd(20_000)}\n"${'x'.repeat(10_500_000)}"\n2`,
    );
    expect(rows.map(({ row, problem }) => [row, problem?.message.slice(0, 14)])).toEqual([
      [1, undefined], [2, 'it is not JSON'], [3, undefined], [4, 'allowed: at mo'], [5, 'it is larger t'], [6, undefined],
    ]); // prettier-ignore
  });

  it('does not grow with what is not an item', async () => {
    expect(await codeOf(within(`{"request":"${'x'.repeat(11_000_000)}","items":[]}`, 65_536))).toContain(
      'beside the items',
    );
    expect(await codeOf(within(`{"items":["${'x'.repeat(11_000_000)}"]}`, 65_536))).toContain('items[0]: it is larger');
  });
});

describe('the types of cells', () => {
  const schema = {
    properties: {
      n: { type: 'number' }, i: { type: ['integer', 'null'] }, b: { type: 'boolean' }, s: { type: 'string' },
      any: {}, both: { type: ['string', 'number'] }, list: { type: 'array' }, o: { $ref: '#/$defs/o' },
    },
    $defs: { o: { properties: { n: { $ref: '#/properties/n' } } }, loop: { $ref: '#/$defs/loop' } },
  }; // prettier-ignore
  const typed = (data: Record<string, unknown>) => {
    cellTypes(JSON.stringify(schema))(data);
    return data;
  };

  it('are those of the schema', () => {
    const cells = {
      n: '-1.50',
      i: '007',
      b: 'TRUE',
      s: '1',
      any: '1',
      both: '1',
      list: '[1,"a"]',
      o: { n: '2' },
      other: '3',
    };
    expect(typed(cells)).toEqual({ n: -1.5, i: 7, b: true, s: '1', any: '1', both: '1', list: [1, 'a'], o: { n: 2 }, other: '3' }); // prettier-ignore
  });

  it('are left alone if they do not look like it, or would lose digits', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const cells = { n: '1,50', i: '12345678901234567', b: 'yes', list: '[1', o: { list: deep } };
    expect(typed({ list: deep, o: `{"a":[${'1,'.repeat(30_000)}1]}` })).toEqual({ list: deep, o: expect.any(String) });
    expect(typed({ ...cells })).toEqual(cells);
  });

  it.each([
    '{"$ref":"#"}',
    '{"properties":{"a":{"$ref":"#/properties/a"}}}',
    '[]',
    'true',
    '{"properties":5}',
    '{"$ref":"#/__proto__"}',
  ])('ends with the schema %s', (text) => {
    const data = { a: '1' };
    cellTypes(text)(data);
    expect(data).toEqual({ a: '1' });
  });
});

describe('the file name of an item', () => {
  const data = { number: 'A/1', customer: { name: 'Müller' }, n: 0, list: [1], nothing: null };
  it.each([
    ['{row}.pdf', '7.pdf'],
    ['{data.number}-{data.customer.name}.pdf', 'A_1-Müller.pdf'],
    ['{data.n}{data.list.0}', '01'],
    ['{x}{}{data}', '{x}{}{data}'],
    [`${'x'.repeat(195)}{data.customer.name}.pdf`, `${'x'.repeat(195)}M.pdf`],
  ])('%s', (pattern, name) => expect(itemFilename(pattern, { row: 7, data })).toBe(name));

  it.each([
    '{data.missing}',
    '{data.customer}',
    '{data.nothing}',
    '{data.__proto__}',
    '{data.constructor.name}',
    '{data.number.length}',
  ])('asks for %s in vain', (pattern) =>
    expect(itemFilename(pattern, { row: 7, data })).toMatchObject({ field: pattern.slice(1, -1) }),
  );
});

it.each(['{data.a}', '{data.a}{data.b}'])('a file name is not empty: %s', (pattern) =>
  expect(itemFilename(pattern, { row: 7, data: { a: '', b: ' ' } })).toMatchObject({ field: 'filename' }),
);

it('ids of rows are in their order, and all different', () => {
  const ids = new RowIds();
  const rows = Array.from({ length: 5_000 }, (_, index) => ({ row: index + 1 }));
  const made = [...ids.of(rows.slice(0, 2_000)), ...ids.of(rows.slice(2_000))];
  expect(made.toSorted()).toEqual(made);
  expect(new Set([...made, ...new RowIds().of(rows)]).size).toBe(10_000);
  for (const id of made.slice(0, 100)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/); // prettier-ignore
});
