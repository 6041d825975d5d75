import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/domain/batch.ts';
import { createKey } from '../../src/accounts/keys.ts';
import { startService } from '../support/service.ts';

const service = await startService({ env: { BATCH_MAX_MB: '8' } });
const { sql } = service;

const schema = {
  type: 'object',
  required: ['number', 'total'],
  properties: {
    number: { type: 'string', minLength: 1 },
    total: { type: 'number', minimum: 0 },
    paid: { type: 'boolean' },
    customer: { type: 'object', properties: { name: { type: 'string' } } },
  },
  additionalProperties: false,
};
const files = {
  'index.html': { text: '<p>{{ number }}</p>' },
  'template.json': { text: JSON.stringify({ request: { options: { format: 'A5' } } }) },
  'schema.json': { text: JSON.stringify(schema) },
};
async function putTemplate(name: string, content: object, key = service.key) {
  const put = await service.request(`/v1/templates/${name}`, {
    method: 'PUT',
    body: JSON.stringify({ files: content }),
    key,
  });
  if (!put.ok) throw new Error(await put.text());
}
await putTemplate('invoice', files);

interface Problem {
  code: string;
  detail: string;
  errors?: { field: string; message: string; row?: number }[];
}
interface Answer {
  status: number;
  headers: Headers;
  body: Batch & Problem;
}

const toAnswer = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: response.headers,
  body: (await response.json()) as Answer['body'],
});

const submit = async (
  body: unknown,
  { headers = {}, key = service.key }: { headers?: Record<string, string>; key?: string } = {},
) =>
  toAnswer(
    await service.request('/v1/batches', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
      key,
    }),
  );

interface FormInput {
  rows: string | Buffer;
  name?: string;
  type?: string;
  head?: object;
  more?: Record<string, Blob>;
  headers?: Record<string, string>;
}
async function submitForm({
  rows,
  name = 'rows.csv',
  type = '',
  head = { request: INVOICE },
  more = {},
  headers = {},
}: FormInput) {
  const form = new FormData();
  form.set('items', new Blob([Buffer.from(rows)], { type }), name);
  for (const [part, blob] of Object.entries(more)) form.set(part, blob, part);
  form.set('request', JSON.stringify(head));
  const response = await fetch(`${service.address}/v1/batches`, {
    method: 'POST',
    body: form,
    headers: { Authorization: `Bearer ${service.key}`, ...headers },
  });
  return toAnswer(response);
}

const INVOICE = { template: 'invoice' };
const good = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => ({ data: { number: `R-${from + index}`, total: from + index } }));

const jobsOf = (id: string) => sql<
  {
    id: string;
    row: number;
    filename: string | null;
    metadata: object;
    request: object;
    templates: string[];
    kind: string;
    content: string | null;
    data: object | null;
    settings: object;
  }[]
>`
  select j.id, j.batch_row as row, j.filename, j.metadata, j.request, j.templates, p.kind, p.content, p.data, p.settings
  from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id and p.position = 0 where j.batch_id = ${id} order by j.batch_row`;
/** Everything that a batch writes. */
const written = async () => {
  const [row] =
    await sql`select (select count(*) from pdfprompt_batch)::int as batches, (select count(*) from pdfprompt_job)::int as jobs,
    (select count(*) from pdfprompt_part)::int as parts, (select count(*) from pdfprompt_delivery)::int as deliveries,
    (select count(*) from pgboss.job where name = 'pdf')::int as queued, (select coalesce(sum(day_count), 0) from pdfprompt_lane)::int as counted`;
  return row;
};

describe('a batch', () => {
  it('is accepted with its items in order', async () => {
    const { status, headers, body } = await submit({
      request: {
        ...INVOICE,
        filename: '{row}-{data.number}.pdf',
        metadata: { run: 11, kind: 'all' },
        options: { landscape: true },
        timeoutMs: 20_000,
      },
      items: [
        ...good(3),
        { data: { number: 'X', total: 1 }, filename: 'own.pdf', title: 'Own', metadata: { kind: 'own' } },
      ],
      result: 'merged',
      filename: 'november.pdf',
      metadata: { month: 'november' },
    });
    expect({ status, location: headers.get('location') }).toEqual({ status: 202, location: `/v1/batches/${body.id}` });
    expect(body).toMatchObject({
      status: 'processing',
      result: 'merged',
      items: { total: 4, open: 4, completed: 0, failed: 0, cancelled: 0, skipped: 0 },
      skippedRows: [],
      filename: 'november.pdf',
      metadata: { month: 'november' },
      templates: ['invoice@1'],
      error: null,
      job: null,
      completedAt: null,
    });
    const jobs = await jobsOf(body.id);
    expect(jobs.map(({ row, filename, metadata, data, settings, kind }) => ({ row, filename, metadata, data, settings, kind }))).toEqual([
      ...[1, 2, 3].map((row) => ({ row, filename: `${row}-R-${row}.pdf`, metadata: { run: 11, kind: 'all' }, kind: 'template', settings: {}, data: { name: 'invoice@1', data: { number: `R-${row}`, total: row } } })),
      { row: 4, filename: 'own.pdf', metadata: { run: 11, kind: 'own' }, kind: 'template', settings: { title: 'Own' }, data: { name: 'invoice@1', data: { number: 'X', total: 1 } } },
    ]); // prettier-ignore
    // The template's settings under those that were sent; what every reader fills in is not there.
    expect(jobs.map(({ request }) => request)).toEqual(
      jobs.map(() => ({ options: { format: 'A5', landscape: true }, timeoutMs: 20_000 })),
    );
    expect(jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id).toSorted());
    const queued =
      await sql`select id from pgboss.job where id = any (${`{${jobs.map(({ id }) => id).join(',')}}`}::uuid[])`;
    expect(queued).toHaveLength(4);
  });

  it('is a job like any other for those who read jobs', async () => {
    const { body } = await submit({ request: INVOICE, items: good(1) });
    const [job] = await jobsOf(body.id);
    const read = await service.request(`/v1/jobs/${job?.id}`);
    expect(await read.json()).toMatchObject({ id: job?.id, status: 'queued', templates: ['invoice@1'] });
  });

  it('may have a source in each item', async () => {
    const { body } = await submit({
      request: { options: { format: 'A6' } },
      items: [
        { html: '<p>a' },
        { markdown: '# b' },
        { url: 'https://example.com/?secret=1' },
        { html: '<p>d', title: 'D' },
      ],
    });
    expect((await jobsOf(body.id)).map(({ kind, content, settings }) => ({ kind, content, settings }))).toEqual([
      { kind: 'html', content: '<p>a', settings: {} },
      { kind: 'markdown', content: '# b', settings: {} },
      { kind: 'url', content: 'https://example.com/?secret=1', settings: {} },
      { kind: 'html', content: '<p>d', settings: { title: 'D' } },
    ]);
    const plain = await submit({ request: {}, items: [{ html: 'a' }, { markdown: 'b' }] });
    // Markdown is for A4, unless something else is asked for.
    expect((await jobsOf(plain.body.id)).map(({ settings }) => settings)).toEqual([{}, { options: expect.objectContaining({ format: 'A4' }) as object }]); // prettier-ignore
  });

  it('may have files, finishing and parts that all items share', async () => {
    const more = { 'terms.html': new Blob(['<p>terms']), 'logo.png': new Blob(['logo']) };
    const request = {
      parts: [{ template: 'invoice' }, { html: '<img src=logo.png>' }],
      finishing: { properties: { title: 'All' } },
    };
    const { body, status } = await submitForm({ rows: 'number,total\nA,1\nB,2\n', head: { request }, more });
    expect({ status, body }).toMatchObject({ status: 202 });
    const parts =
      await sql`select p.position, p.kind, p.data, (select count(*)::int from pdfprompt_part_file f where f.job_id = p.job_id and f.position = p.position) as files
      from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id where j.batch_id = ${body.id} order by j.batch_row, p.position`;
    const ofOne = (number: string, total: number) => [
      { position: 0, kind: 'template', data: { name: 'invoice@1', data: { number, total } }, files: 2 },
      { position: 1, kind: 'html', data: null, files: 2 },
      {
        position: 2,
        kind: 'result',
        data: { finishing: expect.objectContaining({ properties: { title: 'All' } }) as object },
        files: 0,
      },
    ];
    expect([...parts]).toEqual([...ofOne('A', 1), ...ofOne('B', 2)]);
  });

  it.each([
    ['output', { output: { type: 'png' } }],
    ['split', { split: { every: 1 } }],
    ['finishing.encrypt', { finishing: { encrypt: { userPassword: 'secret' } } }],
    ['finishing.sign', { finishing: { sign: {} } }],
    ['finishing.conformance', { finishing: { conformance: 'PDF/A-3b' } }],
    ['finishing.facturx', { finishing: { facturx: { xml: '<x/>', level: 'BASIC' } } }],
  ])('refuses %s of items that are to be merged, by name', async (name, settings) => {
    const of = (result: string) =>
      submitForm({ rows: 'number,total\nA,1\n', head: { result, request: { template: 'invoice', ...settings } } });
    const { body, status } = await of('merged');
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(JSON.stringify(body)).toContain(`"request.${name}"`);
  });

  it.each([
    ['rows.csv', 'number,total,paid,customer.name\nA,1.5,true,Müller\nB,2,,\n'],
    ['rows.CSV', '\uFEFFnumber;total;paid;customer.name\r\n"A";"1.5";TRUE;Müller\r\nB;2\r\n'],
    [
      'rows.ndjson',
      '{"data":{"number":"A","total":1.5,"paid":true,"customer":{"name":"Müller"}}}\n\n{"data":{"number":"B","total":2}}',
    ],
    [
      'rows.json',
      '[{"data":{"number":"A","total":1.5,"paid":true,"customer":{"name":"Müller"}}},{"data":{"number":"B","total":2}}]',
    ],
    [
      '-',
      '{"data":{"number":"A","total":1.5,"paid":true,"customer":{"name":"Müller"}}}\n{"data":{"number":"B","total":2}}',
      'application/x-ndjson',
    ],
  ])('is the same from %s', async (name, rows, type = '') => {
    const { body, status } = await submitForm({ rows, name, type });
    expect({ status, body }).toMatchObject({ status: 202 });
    expect((await jobsOf(body.id)).map(({ data }) => (data as { data: object }).data)).toEqual([
      { number: 'A', total: 1.5, paid: true, customer: { name: 'Müller' } },
      { number: 'B', total: 2 },
    ]);
  });

  it('of ten thousand items has them all', async () => {
    const { body, status } = await submit({ request: INVOICE, items: good(10_000) });
    expect({ status, items: body.items }).toMatchObject({ status: 202, items: { total: 10_000, open: 10_000 } });
    const [found] =
      await sql`select count(*)::int as jobs, count(distinct batch_row)::int as rows, max(batch_row) as last,
      bool_and(p.data -> 'data' ->> 'number' = 'R-' || batch_row) as fit, count(b.id)::int as queued
      from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id left join pgboss.job b on b.id = j.id where batch_id = ${body.id}`;
    expect(found).toEqual({ jobs: 10_000, rows: 10_000, last: 10_000, fit: true, queued: 10_000 });
  });
});

describe('rows that are not valid', () => {
  const bad = (row: number, field: string, message: string) => ({
    row,
    field: `items[${row - 1}]${field}`,
    message: expect.stringContaining(message) as string,
  });
  const items = [
    ...good(1),
    { data: { number: 'A', total: '1' } },
    { data: { number: '', total: -1 } },
    { data: { number: 'A', total: 1, more: 1 } },
    { data: [] },
    { number: 'A', total: 1 },
    { data: { number: 'A', total: 1 }, filenam: 'x' },
    { data: { number: 'A', total: 1 }, filename: 'a/b' },
    { data: { number: 'A\u0000', total: 1 } },
    { data: { number: 'A', total: 1 }, html: 'x' },
    { data: { number: 'A', total: 1 }, metadata: { a: {} } },
    'text',
    {},
    ...good(1),
  ];
  const expected = [
    bad(2, '.data.total', 'must be number'),
    bad(3, '.data.number', 'must have at least'),
    bad(3, '.data.total', 'must be at least 0'),
    bad(4, '.data.more', ''),
    bad(5, '.data', 'must be an object'),
    bad(6, '.number', 'within data'),
    bad(7, '.filenam', 'did you mean filename?'),
    bad(8, '.filename', 'without / and'),
    bad(9, '.data.number', 'NUL'),
    bad(10, '.html', 'if request has no source'),
    bad(11, '.metadata.a', ''),
    bad(12, '', ''),
    bad(13, '.data.number', 'is required'),
    bad(13, '.data.total', 'is required'),
  ];

  it('refuse the batch, and are all named', async () => {
    const before = await written();
    const { status, body } = await submit({ request: INVOICE, items });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(body.errors?.map(({ field }) => field)).toEqual(expected.map(({ field }) => field));
    expect(body.errors).toEqual(expected);
    expect(body.detail).toMatch(/^12 rows of 14 cannot be accepted: items\[1\]\.data\.total \(row 2\): must be number/);
    expect(await written()).toEqual(before);
  });

  it('are left out if the request says so', async () => {
    const { status, body } = await submit({ request: INVOICE, items, onBadRow: 'skip' });
    expect({ status, items: body.items }).toMatchObject({ status: 202, items: { total: 2, skipped: 12 } });
    expect(body.skippedRows).toEqual(expected);
    expect((await jobsOf(body.id)).map(({ row }) => row)).toEqual([1, 14]);
    const none = await submit({ request: INVOICE, items: [{}], onBadRow: 'skip' });
    expect(none).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('are listed up to a thousand', async () => {
    const { body } = await submit({
      request: INVOICE,
      items: Array.from({ length: 3_000 }, () => ({ data: { number: 'A', total: 'x' } })),
    });
    expect(body.errors).toHaveLength(1_000);
    expect(body.errors?.at(-1)).toMatchObject({ row: 1_000 });
    expect(body.detail).toContain('3000 rows of 3000 cannot be accepted; the first 1000 problems are listed');
  });

  it('may lack what the file name needs', async () => {
    const { body } = await submit({ request: { ...INVOICE, filename: '{data.customer.name}.pdf' }, items: good(1) });
    expect(body.errors).toEqual([bad(1, '.data.customer.name', 'for the file name')]);
  });
});

describe('what is refused as a whole', () => {
  const items = good(1);
  it.each([
    ['no request', { items }, 'request', ''],
    ['no items', { request: INVOICE }, 'items', 'at least one'],
    ['none in the list', { request: INVOICE, items: [] }, 'items', 'at least one'],
    ['items that are no list', { request: INVOICE, items: { a: 1 } }, 'items', ''],
    ['an unknown field', { request: INVOICE, items, resul: 'zip' }, 'resul', 'did you mean result?'],
    ['an unknown result', { request: INVOICE, items, result: 'pdf' }, 'result', 'merged'],
    ['an unknown template', { request: { template: 'invoise' }, items }, 'request.template', 'did you mean invoice?'],
    [
      'a print option that is none',
      { request: { ...INVOICE, options: { formt: 'A4' } }, items },
      'request.options.formt',
      'did you mean',
    ],
    ['data without a template', { request: { html: 'x' }, items }, 'items[0].data', 'allowed with a template only'],
    ['no source at all', { request: {}, items: [{}] }, 'items[0]', 'required: html, url, markdown'],
    [
      'an upload of many files',
      { request: { ...INVOICE, upload: { url: 'https://example.com/x' } }, items },
      'request.upload',
      'with result merged',
    ],
    [
      'pictures that would be merged',
      { request: { ...INVOICE, output: { type: 'png' } }, items, result: 'merged' },
      'request.output',
      'only PDFs are merged',
    ],
    [
      'a file name whose pattern stands for nothing',
      { request: { ...INVOICE, filename: '{row}-{number}.pdf' }, items },
      'request.filename',
      '{number} stands for nothing; allowed: {row}, {data.NAME}; did you mean {data.number}?',
    ],
    [
      'reports of an upload',
      {
        request: {
          ...INVOICE,
          upload: { url: 'https://example.com/x', reports: [{ on: 'failed', url: 'https://example.com/y', body: {} }] },
        },
        result: 'merged',
        items,
      },
      'request.upload.reports',
      'a batch has none',
    ],
    [
      'a webhook that may not be called',
      { request: { ...INVOICE, webhook: 'http://127.0.0.1/' }, items },
      'request.webhook',
      '',
    ],
    [
      'a webhook that is not there',
      { request: { ...INVOICE, webhook: randomUUID() }, items },
      'request.webhook',
      'no such endpoint',
    ],
  ])('%s', async (_, body, field, message) => {
    const before = await written();
    const { status, body: problem } = await submit(body);
    expect({ status, problem }).toMatchObject({ status: 400, problem: { code: 'invalid_request' } });
    expect(problem.errors?.[0]).toMatchObject({ field, message: expect.stringContaining(message) as string });
    expect(await written()).toEqual(before);
  });

  it.each([{}, { html: 'x' }, { onBadRow: 'skip' }])('columns of data in a CSV without a template: %j', async ({ onBadRow, ...request }: { onBadRow?: string }) => {
    const before = await written();
    const rows = `number,customer.name,$filename\n${'A,Ann,a.pdf\n'.repeat(3_000)}`;
    const { status, body } = await submitForm({ rows, head: { request, onBadRow } });
    const message = 'required, as the CSV has columns of data: number, customer.name; those of an item itself begin with $: $html, $filename';
    expect({ status, errors: body.errors }).toEqual({ status: 400, errors: [{ field: 'request.template', message }] });
    expect(await written()).toEqual(before);
    expect(await submitForm({ rows: '$html,$filename\nx,a.pdf\n', head: { request: {} } })).toMatchObject({ status: 202 });
  }); // prettier-ignore

  it('what is no JSON, no batch, too large or has no file', async () => {
    expect(await submit('{"request":{},"items":[{]}')).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
    expect(await submit('{"request":{},"items":[{}')).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
    expect(await submit({ request: INVOICE, items: [{ data: { number: 'x'.repeat(9_000_000) } }] })).toMatchObject({
      status: 413,
    });
    expect(await submitForm({ rows: 'a', name: 'rows.xlsx' })).toMatchObject({
      status: 415,
      body: { detail: expect.stringContaining('.csv') as string },
    });
    expect(await submit('a,b', { headers: { 'Content-Type': 'text/csv' } })).toMatchObject({ status: 415 });
    const many = await submit({ request: INVOICE, items: Array.from({ length: 100_001 }, () => ({ data: 1 })) });
    expect(many).toMatchObject({ status: 400, body: { detail: 'items: allowed: at most 100000 items' } });
  });

  it.each([
    ['never ends', { $ref: '#' }, 'refers to itself'],
    ['is not json', '{', 'schema.json'],
    ['is none', { type: 'object', properties: { number: { pattern: '(' } } }, 'not a valid schema'],
  ])('a template whose schema %s', async (name, content: object | string, message) => {
    const template = name.replaceAll(' ', '-');
    await putTemplate(template, {
      ...files,
      'schema.json': { text: typeof content === 'string' ? content : JSON.stringify(content) },
    });
    const { body } = await submit({ request: { template }, items });
    expect(body).toMatchObject({ code: 'template_failed', detail: expect.stringContaining(message) as string });
  });
});

it.each([
  ['"[""\\u0000""]"', 'without NUL'],
  ['"[""\\ud800""]"', 'without lone surrogates'],
  ['"[{""__proto__"":1}]"', 'any other name'],
  [`"${'['.repeat(100)}${']'.repeat(100)}"`, 'must be array'],
])('a CSV whose cell has JSON that could not be stored is refused: %s', async (cell, message) => {
  const list = { 'index.html': { text: 'x' }, 'schema.json': { text: '{"properties":{"list":{"type":"array"}}}' } };
  await putTemplate('list', list);
  const { status, body } = await submitForm({ rows: `n,list\n1,${cell}\n`, head: { request: { template: 'list' } } });
  expect({ status, row: body.errors?.[0]?.row, text: body.detail }).toEqual({
    status: 400,
    row: 1,
    text: expect.stringContaining(message),
  });
});

describe('an idempotency key', () => {
  const key = () => ({ 'Idempotency-Key': randomUUID() });

  it('makes one batch of the same content, however it is sent', async () => {
    const headers = key();
    const first = await submit({ request: INVOICE, items: good(2) }, { headers });
    const before = await written();
    const again = await submit(JSON.stringify({ items: good(2), request: INVOICE }, undefined, 2), { headers });
    expect({ status: again.status, body: again.body }).toEqual({ status: 200, body: first.body });
    const form = await submitForm({ rows: JSON.stringify(good(2)), name: 'x.json', headers });
    expect({ status: form.status, id: form.body.id }).toEqual({ status: 200, id: first.body.id });
    for (const other of [
      { request: INVOICE, items: good(3) },
      { request: INVOICE, items: good(2), result: 'zip' },
      { request: INVOICE, items: good(2, 2) },
    ])
      expect(await submit(other, { headers })).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    expect(await written()).toEqual(before);
  });

  it('makes one batch of many requests at a time', async () => {
    const headers = key();
    const all = await Promise.all(
      Array.from({ length: 6 }, () => submit({ request: INVOICE, items: good(50) }, { headers })),
    );
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 200, 202]);
    expect(await jobsOf(all[0]?.body.id ?? '')).toHaveLength(50);
  });

  it('gets its batch although the template is gone', async () => {
    await putTemplate('passing', files);
    const headers = key();
    const body = { request: { template: 'passing' }, items: good(1) };
    const first = await submit(body, { headers });
    await service.request('/v1/templates/passing', { method: 'DELETE' });
    expect(await submit(body, { headers })).toMatchObject({ status: 200, body: { id: first.body.id } });
  });
});

describe('limits', () => {
  async function limited(perMinute: number | null, perDay: number | null) {
    const tier = `t${randomUUID().slice(0, 8)}`;
    await sql`insert into pdfprompt_tier values (${tier}, ${perMinute}, ${perDay}, 2)`;
    return (await createKey(service.base.db, { email: `${tier}@example.com`, tier })).key;
  }
  const html = (count: number) => ({
    request: {},
    items: Array.from({ length: count }, (_, index) => ({ html: String(index) })),
  });

  it('of the day count items, those of the minute requests', async () => {
    const key = await limited(3, 100);
    const first = await submit(html(60), { key });
    expect(first.headers.get('ratelimit')).toMatch(/^"minute";r=2;t=\d+, "day";r=40;t=\d+$/);
    const refused = await submit(html(41), { key });
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', detail: expect.stringMatching(/^the batch has 41 items; allowed today: 40 more; again in \d+ s$/) as string } }); // prettier-ignore
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit')).toContain('"day";r=40');
    const never = await submit(html(101), { key });
    expect(never.body.detail).toBe(
      'the batch has 101 items; allowed today: 40 more, and never more than 100 in a UTC day',
    );
    expect(never.headers.get('retry-after')).toBeNull();
    expect(await submit(html(40), { key })).toMatchObject({ status: 202 });
    expect(await submit(html(1), { key })).toMatchObject({ status: 429 });
  });

  it('are exact with batches and single jobs at the same time', async () => {
    const key = await limited(null, 100);
    const single = async () =>
      (await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}', key })).status;
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => submit(html(19), { key }).then(({ status }) => ({ status, count: 19 }))),
      ...Array.from({ length: 8 }, () => single().then((status) => ({ status, count: 1 }))),
    ]);
    const accepted = answers.filter(({ status }) => status === 202).reduce((sum, { count }) => sum + count, 0);
    const [row] = await sql`select count(*)::int as jobs, max(l.day_count) as counted from pdfprompt_job j
      join pdfprompt_lane l on l.user_id = j.user_id join pdfprompt_tier t on t.name = j.tier where t.requests_per_day = 100 and t.requests_per_minute is null`;
    expect(row).toEqual({ jobs: accepted, counted: accepted });
    expect(accepted).toBeLessThanOrEqual(100);
    expect(accepted).toBeGreaterThan(100 - 19);
  });

  it('do not hold for a repeated request', async () => {
    const key = await limited(1, 10);
    const headers = { 'Idempotency-Key': 'k' };
    const first = await submit(html(10), { key, headers });
    expect(await submit(html(10), { key })).toMatchObject({ status: 429 });
    expect(await submit(html(10), { key, headers })).toMatchObject({ status: 200, body: { id: first.body.id } });
  });
});

it('leaves nothing behind if it fails in the middle', async () => {
  const before = await written();
  // The last piece of the items is refused by the database.
  await sql`create function test_refuse() returns trigger language plpgsql as $$ begin
    if new.batch_row = 2500 then raise exception 'no'; end if; return new; end $$`;
  await sql`create trigger test_refuse before insert on pdfprompt_job for each row execute function test_refuse()`;
  expect(await submit({ request: INVOICE, items: good(2_600) })).toMatchObject({ status: 500 });
  await sql`drop trigger test_refuse on pdfprompt_job`;
  expect(await written()).toEqual(before);
  expect(await submit({ request: INVOICE, items: good(2_600) })).toMatchObject({ status: 202 });
});
