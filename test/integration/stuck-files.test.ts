import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { removeDisowned, removeUnownedFiles } from '../../src/jobs/unowned-files.ts';
import { Stores } from '../../src/storage/stores.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { S3Server } from '../support/s3-server.ts';
import { startService } from '../support/service.ts';

const directory = await temporaryDirectory('stuck');
const server = await S3Server.start();
const { base, sql } = await startService({ env: { PDF_STORE: `file://${directory}`, ...server.env } });
const bucket = `s3://${server.bucket}`;

/** What one pass removes, and what it reports. */
async function pass(stores = base.stores): Promise<{ removed: number; reports: [what: string, err: unknown][] }> {
  const reports: [string, unknown][] = [];
  const events = { backgroundFailed: (what: string, err: unknown) => void reports.push([what, err]) };
  return { removed: await removeUnownedFiles({ db: base.db, stores, events }), reports };
}

const pathOf = (id: string) => join(directory, id.slice(-2), `${id}.pdf`);
const pdfs = async () => (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.pdf'));
const newIds = (count: number) => Array.from({ length: count }, () => uuidv7());

/** Puts them on the list of what is to be removed, the first one longest ago. */
async function disown(ids: string[], location = `file://${directory}`): Promise<void> {
  await sql`
    insert into pdfprompt_unowned_file (id, store, location, remove_after)
    select id, split_part(${location}, ':', 1), ${location}, now() - interval '1 hour' + at * interval '1 second'
    from unnest(${arrayLiteral(ids)}::uuid[]) with ordinality as f (id, at)`;
}

async function write(ids: string[]): Promise<void> {
  for (const id of ids) {
    await mkdir(dirname(pathOf(id)), { recursive: true });
    await writeFile(pathOf(id), 'x');
  }
}

/** As files that cannot be removed, by root either. */
async function writeStuck(ids: string[]): Promise<void> {
  for (const id of ids) await mkdir(join(pathOf(id), 'x'), { recursive: true });
}

const waiting = () => sql<{ id: string; minutes: number }[]>`
  select id, extract(epoch from remove_after - now())::float8 / 60 as minutes from pdfprompt_unowned_file order by id`;
const letTimePass = () => sql`update pdfprompt_unowned_file set remove_after = now()`;

beforeEach(async () => void (await sql`delete from pdfprompt_unowned_file`));

describe('a file that cannot be removed', () => {
  it('costs only itself: all others of its directory go, and it is tried again later', async () => {
    const [stuck = '', ...others] = newIds(450);
    await write(others);
    await writeStuck([stuck]);
    await disown([stuck, ...others]);
    const { removed, reports } = await pass();
    expect(removed).toBe(449);
    expect(await pdfs()).toEqual([`${stuck.slice(-2)}/${stuck}.pdf`]);
    const error = expect.objectContaining({ message: `the PDF ${stuck} cannot be removed` });
    expect(reports).toEqual([[`removing PDFs from file://${directory}`, error]]);
    const rows = await waiting();
    expect(rows.map(({ id }) => id)).toEqual([stuck]);
    expect(rows[0]?.minutes).toBeGreaterThan(5);
    expect(rows[0]?.minutes).toBeLessThan(15);
    expect(await pass()).toEqual({ removed: 0, reports: [] });
    await rm(join(pathOf(stuck), 'x'), { recursive: true });
    await rm(pathOf(stuck), { recursive: true });
    await writeFile(pathOf(stuck), 'x');
    await letTimePass();
    expect(await pass()).toEqual({ removed: 1, reports: [] });
    expect(await pdfs()).toEqual([]);
  });

  it('lets others have their turn, even if there are many of its kind', async () => {
    const [stuck, others] = [newIds(25), newIds(300)];
    await write(others);
    await writeStuck(stuck);
    await disown([...stuck, ...others]);
    for (let time = 0; time < 3; time++) expect((await pass()).reports).toHaveLength(1);
    expect(await pdfs()).toHaveLength(25);
    const rows = await waiting();
    expect(rows.map(({ id }) => id)).toEqual(stuck);
    expect(rows.every(({ minutes }) => minutes > 5)).toBe(true);
    for (const id of stuck) await rm(pathOf(id), { recursive: true });
  });

  it('does not keep those from being removed that are erased with it', async () => {
    const [stuck = '', ...others] = newIds(10);
    await write(others);
    await writeStuck([stuck]);
    await disown([stuck, ...others]);
    const files = [stuck, ...others].map((id) => ({ id, store: 'file', location: `file://${directory}` }));
    await removeDisowned(base, files);
    expect(await pdfs()).toHaveLength(1);
    expect(await pass()).toMatchObject({ removed: 9 });
    expect((await waiting()).map(({ id }) => id)).toEqual([stuck]);
    await rm(pathOf(stuck), { recursive: true });
  });

  it('costs only itself in a bucket too', async () => {
    const [stuck = '', ...others] = newIds(30);
    const store = base.stores.of({ store: 's3', location: bucket });
    for (const id of [stuck, ...others.slice(-3)])
      await store?.put(base.db, id, doneWith(new TextEncoder().encode('x')).files[0] as never);
    await disown([stuck, ...others], bucket);
    const error = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
    const end = server.fault(error, { of: ({ method, path }) => method === 'DELETE' && path.includes(stuck) });
    expect(await pass()).toMatchObject({ removed: 29, reports: [[`removing PDFs from ${bucket}`, {}]] });
    end();
    expect(server.objects).toEqual([`${stuck}.pdf`]);
    await letTimePass();
    expect(await pass()).toEqual({ removed: 1, reports: [] });
    expect(server.objects).toEqual([]);
  });
});

describe('a store that cannot be reached', () => {
  it('is asked a few times only, and leaves everything to those who can reach it now', async () => {
    const ids = newIds(450);
    await disown(ids, bucket);
    await write([ids[0] ?? '']);
    const before = server.requests.length;
    const end = server.fault({ kind: 'error', status: 403, code: 'AccessDenied' });
    expect(await pass()).toMatchObject({
      removed: 0,
      reports: [[`removing PDFs from ${bucket}`, { name: 'StoreFailure' }]],
    });
    expect(server.requests.length - before).toBeLessThan(20);
    end();
    expect((await waiting()).every(({ minutes }) => minutes <= 0)).toBe(true);
    expect(await pass()).toEqual({ removed: 450, reports: [] });
    expect(existsSync(pathOf(ids[0] ?? ''))).toBe(true); // that was another one's
    await rm(pathOf(ids[0] ?? ''));
  });

  it('is not reported by a process that has no key for it', async () => {
    await disown(newIds(5), bucket);
    const without = new Stores({ pdfStore: { kind: 'postgres' } });
    expect(await pass(without)).toEqual({ removed: 0, reports: [] });
    expect((await waiting()).every(({ minutes }) => minutes <= 0)).toBe(true);
  });
});
