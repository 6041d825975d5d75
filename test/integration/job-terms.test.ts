import { v7 as uuidv7 } from 'uuid';
import { beforeEach, expect, it } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { fieldOfValue } from '../../src/jobs/field-of-value.ts';
import { addItemTerms, fillTerms } from '../../src/jobs/fill-terms.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { undoLater } from '../support/clean-up.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
undoLater(() => pool.close());
const user = uuidv7();
await sql`insert into pdfprompt_user (id, email) values (${user}, 'ann@example.com')`;

const insert = async (filename: string | null, metadata: object, templates: string[] | null, count = 1) => {
  const ids = Array.from({ length: count }, () => uuidv7());
  await sql`insert into pdfprompt_job (id, user_id, priority, request, filename, metadata, templates)
    select id, ${user}, 0, '{}', ${filename}, ${JSON.stringify(metadata)}::text::jsonb,
      ${templates && arrayLiteral(templates)}::text[] from unnest(${arrayLiteral(ids)}::uuid[]) as id`;
  return ids;
};
const terms = async () =>
  (
    await sql<{ term: string }[]>`
    select name || '=' || value as term from pdfprompt_job_term where user_id = ${user} order by 1`
  ).map(({ term }) => term);
const all = { order: 'A-17', pages: 3, paid: true, note: null, 'a.b': 'x'.repeat(300) };
const OF_ALL = [
  'filename=invoice',
  `metadata.a.b=${'x'.repeat(200)}`,
  'metadata.order=A-17',
  'metadata.pages=3',
  'metadata.paid=true',
  'template=invoice@7',
  'template=letter@1',
].toSorted();

beforeEach(async () => void (await sql`delete from pdfprompt_job`));

it('a job is found by its filename, its metadata and its templates as long as it is there', async () => {
  const [id = ''] = await insert('invoice', all, ['invoice@7', 'letter@1']);
  await insert(null, {}, null);
  expect((await terms()).toSorted()).toEqual(OF_ALL);
  await sql`update pdfprompt_job set status = 'cancelled', completed_at = now() where id = ${id}`;
  expect((await terms()).toSorted()).toEqual(OF_ALL);
  await sql`delete from pdfprompt_job where id = ${id}`;
  expect(await terms()).toEqual([]);
});

it.each([
  ['A-17', { 'metadata.order': 'A-17' }], // all of a value comes before the beginning of a filename
  ['A-1', { filename: 'A-1' }],
  ['A-17.p', { filename: 'A-17.p' }],
  ['B-2', { 'metadata.order': 'B-2*' }],
  ['B-2*', { 'metadata.order': 'B-2*' }],
  ['3', { 'metadata.pages': '3' }],
  ['true', { 'metadata.paid': 'true' }],
  ['Müller & S', { 'metadata.customer name': 'Müller & S*' }],
  ['x'.repeat(150), { 'metadata.a.b': `${'x'.repeat(150)}*` }],
  ['letter', { template: 'letter' }],
  ['lett', undefined], // a template is found by its whole name
  ['a-17', undefined],
  ['%', undefined],
  ["'", undefined],
  ['*', undefined],
  ['', undefined],
])('a text is found in the field where some job has it: %s', async (text, field) => {
  await insert('A-17.pdf', all, ['invoice@7', 'letter@1']);
  await insert(null, { order: 'B-25', 'customer name': 'Müller & Söhne' }, null);
  expect(await fieldOfValue(pool.db, text)).toEqual(field);
});

it('a text is looked for in 200 fields', async () => {
  const keyed = (prefix: string) =>
    Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`${prefix}${index}`, `value of ${prefix}`]));
  await insert(null, { ...keyed('a'), ...keyed('z') }, null);
  expect(await fieldOfValue(pool.db, 'value of a')).toEqual({ 'metadata.a0': 'value of a' });
  expect(await fieldOfValue(pool.db, 'value of z')).toEqual({ 'metadata.z0': 'value of z' });
});

it('two parts of one template are one term', async () => {
  await insert(null, {}, ['invoice@7', 'invoice@7']);
  expect(await terms()).toEqual(['template=invoice@7']);
});

it('what is read later from a request that was submitted in SQL takes the place of what was there', async () => {
  const [id = ''] = await insert('old', { order: 'A-1', kept: 'x' }, null);
  await sql`update pdfprompt_job set filename = null, metadata = '{"order": "A-2", "kept": "x"}', templates = '{letter@1}' where id = ${id}`;
  expect(await terms()).toEqual(['metadata.kept=x', 'metadata.order=A-2', 'template=letter@1']);
});

it('jobs of the release before are noted afterwards, each once, the newest first', async () => {
  await sql`alter table pdfprompt_job disable trigger pdfprompt_job_added`;
  await insert('old', {}, null, 1_200);
  await sql`alter table pdfprompt_job enable trigger pdfprompt_job_added`;
  await sql`insert into pdfprompt_job_term_gap values ('ffffffff-ffff-ffff-ffff-ffffffffffff')`;
  await insert('new', {}, null); // it has its terms, and the gap begins above it
  const looked: number[] = [];
  for (let count = await fillTerms(pool.db); count > 0; count = await fillTerms(pool.db)) looked.push(count);
  expect(looked).toEqual([500, 500, 201]);
  expect(await terms()).toHaveLength(1_201);
  expect(await sql`select 1 from pdfprompt_job_term_gap`).toHaveLength(0);
});

it('items are noted just after their batch was accepted, and those that are printed again, too', async () => {
  const batch = uuidv7();
  const items = (from: number, to: number) => sql`
    insert into pdfprompt_job (id, user_id, priority, request, metadata, batch_id, batch_row)
      select gen_random_uuid(), ${user}, 0, '{}', jsonb_build_object('row', n), ${batch}, n from generate_series(${from}::integer, ${to}::integer) n`;
  const fill = async () => {
    while ((await addItemTerms(pool.db)) > 0);
  };
  await sql`insert into pdfprompt_batch (id, user_id, result, total, tier, priority, virtual_start)
    values (${batch}, ${user}, 'files', 1, 'starter', 0, 0)`;
  await items(0, 1_199);
  expect(await terms()).toEqual([]);
  await fill();
  expect(await terms()).toHaveLength(1_200);
  await sql`update pdfprompt_batch set status = 'completed', completed_at = now() where id = ${batch}`;
  await sql`delete from pdfprompt_job where batch_row < 10`;
  await items(0, 9);
  await sql`update pdfprompt_batch set status = 'processing', completed_at = null where id = ${batch}`;
  await fill();
  expect(await terms()).toHaveLength(1_200);
  expect(await sql`select 1 from pdfprompt_job_term_due`).toHaveLength(0);
});
