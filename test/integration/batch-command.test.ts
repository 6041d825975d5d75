import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';
import { typed } from '../support/typed.ts';

const service = await startService({ worker: true });
const directory = await temporaryDirectory('batch');
const env = { PDFPROMPT_URL: service.address, PDFPROMPT_KEY: service.key };
const batch = (...arguments_: string[]) => typed(['batch', ...arguments_], env);
const at = (...names: string[]) => join(directory, ...names);

await mkdir(at('letter'));
await writeFile(
  at('letter/index.html'),
  '<p>{{ name }} owes {{ sum }}{% if sum == 13 %}<script>throw 1</script>{% endif %}',
);
await writeFile(at('letter/data.json'), '{"name":"Ann","sum":1}');
await writeFile(at('letter/template.json'), '{"request":{"failOnConsoleError":true}}');
await writeFile(
  at('letter/schema.json'),
  '{"type":"object","required":["name","sum"],"properties":{"name":{"type":"string"},"sum":{"type":"integer"}}}',
);

async function rows(name: string, ...lines: string[]): Promise<string> {
  await writeFile(at(name), `name,sum\n${lines.join('\n')}\n`);
  return at(name);
}

const made = async () => {
  const [counts] = await service.sql<{ batches: number; jobs: number }[]>`
    select (select count(*)::int from pdfprompt_batch) as batches, (select count(*)::int from pdfprompt_job) as jobs`;
  return counts;
};

const textsIn = async (path: string) =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(path)).map(async (name) => [name, (await readPdf(await readFile(join(path, name)))).text.join()]),
    ),
  );

describe('pdfprompt batch', () => {
  it('writes a file for each row, and typed again only what is missing', async () => {
    const file = await rows('march.csv', 'Ann,1', 'Bob,2', 'Cid,3');
    const first = await batch(at('letter'), file, '--out', at('march'));
    expect(first.stderr).toMatch(/^\S+letter: pushed as letter@1\nBatch \S+: 3 rows accepted\n/);
    expect(first.stdout).toMatch(/^\S+march\n$/);
    expect(first.stderr).toMatch(/^3 of 3 documents printed in \d+ s\n\S+march: 3 new files\n$/m);
    expect(first.code).toBe(0);
    expect(await textsIn(at('march'))).toEqual({
      '00001.pdf': 'Ann owes 1',
      '00002.pdf': 'Bob owes 2',
      '00003.pdf': 'Cid owes 3',
    });
    const before = await made();
    await writeFile(at('march/00002.pdf'), 'changed');
    await utimes(at('march/00001.pdf'), 1, 1);
    const again = await batch('letter', file, '--out', at('march'));
    expect(again.stderr).toMatch(/^Batch \S+ of \S+ is completed: the same rows were sent before; --new prints/);
    expect(again.stderr).toMatch(/^3 of 3 documents had been printed before\n\S+: 1 new file, 2 were there\n$/m);
    expect((await stat(at('march/00001.pdf'))).mtimeMs).toBe(1_000);
    expect((await textsIn(at('march')))['00002.pdf']).toBe('Bob owes 2');
    expect(await made()).toEqual(before);
  });

  it('is another batch if a row has changed, or when it is asked for one', async () => {
    const before = await made();
    await batch('letter', await rows('other.csv', 'Ann,1'));
    await batch('letter', await rows('other.csv', 'Ann,2'));
    const again = await batch('letter', at('other.csv'), '--new', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ batch: { status: 'completed', items: { total: 1 } }, failed: [] });
    expect(await made()).toEqual({ batches: (before?.batches ?? 0) + 3, jobs: (before?.jobs ?? 0) + 3 });
  });

  it('gives files safe and different names', async () => {
    const file = await rows('names.csv', 'Ann,1', 'ann,2', 'con,3', '.x,4');
    const { code } = await batch('letter', file, '--out', at('names'), '--filename', '{data.name}');
    expect(await textsIn(at('names'))).toEqual({
      'Ann.pdf': 'Ann owes 1',
      'ann-2.pdf': 'ann owes 2',
      '_con.pdf': 'con owes 3',
      '_x.pdf': '.x owes 4',
    });
    expect(code).toBe(0);
  });

  it('merges all into one PDF, in the order of the rows', async () => {
    const file = await rows('merged.csv', ...Array.from({ length: 12 }, (_, row) => `row ${row},${row + 20}`));
    const { code, stdout, stderr } = await batch('letter', file, '--merge', at('merged.pdf'));
    expect(stdout).toBe(`${at('merged.pdf')}\n`);
    expect(stderr).toMatch(/^12 of 12 documents printed in \d+ s$/m);
    expect(code).toBe(0);
    const { text } = await readPdf(await readFile(at('merged.pdf')));
    expect(text).toEqual(Array.from({ length: 12 }, (_, row) => `row ${row} owes ${row + 20}`));
    const before = await made();
    expect(await batch('letter', file, '--merge', at('again.pdf'))).toMatchObject({ code: 0 });
    expect(await readFile(at('again.pdf'))).toEqual(await readFile(at('merged.pdf')));
    expect(await made()).toEqual(before);
  });

  it('fetches the same batch as files, or as a zip', async () => {
    const file = await rows('zipped.csv', 'Ann,1', 'Bob,2');
    const before = await made();
    expect(await batch('letter', file)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Fetch them: the same command with --out DIRECTORY or --zip FILE\n$/),
    });
    expect(await batch('letter', file, '--zip', at('all.zip'))).toMatchObject({ code: 0 });
    expect((await readFile(at('all.zip'))).subarray(0, 2).toString()).toBe('PK');
    await batch('letter', file, '--out', at('zipped'));
    expect(await readdir(at('zipped'))).toEqual(['00001.pdf', '00002.pdf']);
    expect((await made())?.batches).toBe((before?.batches ?? 0) + 1);
  });

  it('lists the rows that are not valid, and prints nothing or the others', async () => {
    const bad = Array.from({ length: 25 }, (_, row) => `No ${row},many`);
    const file = await rows('bad.csv', 'Ann,1', ...bad);
    const before = await made();
    const refused = await batch('letter', file, '--out', at('bad'));
    expect(refused.stderr).toMatch(/pdfprompt: 25 rows of 26 cannot be accepted; nothing was printed\n {2}ROW +FIELD/);
    expect(refused.stderr).toMatch(/\n {2}2 +data\.sum +\S.*\n/);
    expect(refused.stderr).toMatch(/\n {2}… and 5 more\nCorrect them, or leave them out: --on-bad-row skip\n$/);
    expect([refused.code, refused.stdout, await made()]).toEqual([1, '', before]);
    const asJson = await batch('letter', file, '--json');
    const { error, code, errors } = JSON.parse(asJson.stdout) as { error: string; code: string; errors: object[] };
    expect([asJson.code, asJson.stderr, code]).toEqual([1, refused.stderr, 'invalid_request']);
    expect(error).toMatch(/^25 rows of 26 cannot be accepted/);
    expect(errors).toHaveLength(25);
    expect(errors[0]).toEqual({ row: 2, field: 'items[1].data.sum', message: expect.any(String) as string });
    const skipped = await batch('letter', file, '--out', at('bad'), '--on-bad-row', 'skip');
    expect(skipped.stderr).toMatch(/25 rows left out:\n {2}ROW +FIELD +WHAT IS WRONG\n {2}2 +data\.sum/);
    expect([skipped.code, await readdir(at('bad'))]).toEqual([0, ['00001.pdf']]);
    const none = await batch('letter', await rows('all-bad.csv', ...bad), '--on-bad-row', 'skip');
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringMatching(/more\nNo row is left to print: correct them\n$/),
    ]);
  });

  it('lists what has failed, and has that printed again', async () => {
    const file = await rows('failing.csv', 'Ann,1', 'Bob,13');
    const failing = await batch('letter', file, '--out', at('failing'));
    expect(failing.stderr).toMatch(
      /Failed:\n {2}ROW +WHY\n {2}2 +console_error: .*\n1 of 2 .*\n.*1 new file\nPrint the rest again: .* --retry-/,
    );
    expect(failing.stderr).toMatch(/^1 of 2 documents printed in \d+ s, 1 failed\n\S+: 1 new file$/m);
    expect([failing.code, await readdir(at('failing'))]).toEqual([1, ['00001.pdf']]);
    const before = await made();
    const again = await batch('letter', file, '--out', at('failing'), '--retry-failed');
    expect(again.stderr).toMatch(/1 of 2 .*1 failed\n.*0 new files, 1 were there/);
    expect(again.code).toBe(1);
    expect(await made()).toEqual({ batches: before?.batches, jobs: (before?.jobs ?? 0) + 1 });
  });

  it.each([
    ['letter@99', 'not_found'],
    ['No such!', null],
  ])('says with --json why %s is refused', async (template, expected) => {
    const { code, stdout } = await batch(template, await rows('why.csv', 'Ann,1'), '--json');
    const said = { error: expect.any(String) as string, code: expected, errors: [] };
    expect([JSON.parse(stdout), code]).toEqual([said, expected === null ? 2 : 1]);
  });

  it('cancels a batch', async () => {
    const file = await rows('many.csv', ...Array.from({ length: 500 }, (_, row) => `many,${row + 100}`));
    const processing = async () => {
      const response = await service.request('/v1/batches?status=processing');
      return ((await response.json()) as { data: { id: string }[] }).data[0]?.id;
    };
    const running = batch('letter', file);
    await expect.poll(processing, { timeout: 60_000 }).toBeDefined();
    const id = (await processing()) ?? '';
    await service.request(`/v1/batches/${id}`, { method: 'DELETE' });
    const { code, stdout, stderr } = await running;
    expect(stdout).toBe(`${id}\n`);
    expect(stderr).toMatch(/^The batch was cancelled: \d+ of 500 documents printed in \d+ s, \d+ cancelled$/m);
    expect(code).toBe(1);
    expect(await batch('--cancel', id)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/ is cancelled: /),
    });
    expect((await batch('--resume', id, '--json')).stdout).toMatch(/^\{"batch":\{"id":.*"status":"cancelled"/);
  });

  it('leaves nothing where it cannot write', async () => {
    const file = await rows('blocked.csv', 'Ann,1');
    await writeFile(at('blocked'), 'a file');
    const { code, stderr } = await batch('letter', file, '--out', at('blocked'));
    expect(stderr).toMatch(/pdfprompt: \S+blocked could not be written: (EEXIST|ENOTDIR)/);
    expect([code, await readFile(at('blocked'), 'utf8')]).toEqual([1, 'a file']);
  });

  it.each([
    [[], /allowed: TEMPLATE and ROWS, or --resume ID, or --cancel ID/, 2],
    [['letter'], /allowed: TEMPLATE and ROWS/, 2],
    [['letter', at('march.csv'), '--resume', 'x'], /allowed: TEMPLATE and ROWS/, 2],
    [['letter', at('none.csv')], /there is no file \S+none\.csv/, 2],
    [['letter', at('letter/index.html')], /index\.html: allowed: a file that ends with \.csv, \.ndjson or \.json/, 2],
    [['letter', '-'], /-: allowed: --format csv, ndjson or json/, 2],
    [['letter', directory, '--format', 'csv'], /allowed: a file with rows/, 2],
    [
      ['letter', at('march.csv'), '--out', 'a', '--merge', 'b'],
      /'--out <directory>' cannot be used with .*'--merge/,
      2,
    ],
    [['letter', at('march.csv'), '--priority', 'urgent'], /Allowed choices are low, medium, high, critical/, 2],
    [['letter', at('march.csv'), '--request', '[]'], /--request: allowed: a JSON object/, 2],
    [['No such!', at('march.csv')], /"No such!"; allowed: the name of a template.*or a directory with index\.html/, 2],
    [['nothing', at('march.csv')], /there is no template nothing$/m, 1],
    [['lettre', at('march.csv')], /there is no template lettre; did you mean letter\?/, 1],
    [['letter@99', at('march.csv')], /there is no template letter@99; the newest is letter@\d/, 1],
    [['--resume', 'nothing'], /there is no such batch/, 1],
    [['--cancel', '../jobs'], /there is no such batch/, 1],
    [['letter', at('march.csv'), '--request', '{"colour":1}'], /colour/, 1],
  ])('refuses %j', async (arguments_, message, code) => {
    const result = await batch(...arguments_);
    expect(result.stderr).toMatch(message);
    expect([result.code, result.stdout]).toEqual([code, '']);
  });
});
