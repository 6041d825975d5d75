/** @module-tag long */

import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createUnlimitedKey } from '../support/accounts.ts';
import { openBalancer } from '../support/balancer.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { eventually } from '../support/processes.ts';
import { startLoad } from '../support/steady-load.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const directories = [await temporaryDirectory('first'), await temporaryDirectory('second')] as const;
const STORES = [`file://${directories[0]}`, 'postgres', `file://${directories[1]}`, `file://${directories[0]}`];

const start = (command: string, store: string, env: Record<string, string> = {}, ...flags: string[]) =>
  pdfprompt([command, ...flags], { env: { DATABASE_URL: url, LOG_LEVEL: 'warn', PDF_STORE: store, ...env } });

async function serve(store: string): Promise<{ cli: Cli; address: string }> {
  const cli = start('serve', store, {}, '--port', '0');
  const [, address = ''] = await cli.until(/serves at (http:\S+)/);
  return { cli, address };
}

async function work(store: string, env?: Record<string, string>): Promise<Cli> {
  const cli = start('work', store, env, '--concurrency', '2');
  await cli.until(/pdfprompt works/);
  return cli;
}

async function stop({ child, exited }: Cli): Promise<void> {
  child.kill('SIGTERM');
  expect((await exited).code).toBe(0);
}

const pdfsIn = async (directory: string) =>
  (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.pdf')).length;
const pdfs = async () => (await pdfsIn(directories[0])) + (await pdfsIn(directories[1]));

describe('PDF_STORE', () => {
  it('is changed under load, again and again: nothing is lost, every PDF is read and later erased', async () => {
    let [api, worker] = [await serve(STORES[0] ?? ''), await work(STORES[0] ?? '')];
    let address = api.address;
    const balancer = await openBalancer(() => [address]);
    const load = startLoad(balancer.address, headers);
    for (const store of STORES.slice(1)) {
      const accepted = load.ids.length;
      await eventually(() => load.ids.length >= accepted + 15, 120_000, 'some are done');
      const next = [await serve(store), await work(store)] as const;
      await eventually(() => load.ids.length >= accepted + 30, 120_000, 'some more, by both');
      address = next[0].address;
      await stop(worker);
      await stop(api.cli);
      [api, worker] = next;
    }
    const { ids, failed } = await load.stop();
    expect(failed).toEqual([]);
    const rows = await sql<
      { store: string; location: string | null }[]
    >`select distinct store, location from pdfprompt_file`;
    expect(rows.map(({ location }) => location ?? 'postgres').toSorted()).toEqual([...new Set(STORES)].toSorted());
    const [attempts] = await sql`select count(*)::int as count from pdfprompt_job_attempt where outcome = 'done'`;
    expect(attempts?.['count']).toBe(ids.length);
    for (const id of ids) {
      const pdf = await fetch(`${address}/v1/jobs/${id}/pdf`, { headers });
      expect([pdf.status, Buffer.from((await pdf.bytes()).subarray(0, 5)).toString()]).toEqual([200, '%PDF-']);
    }
    expect(await pdfs()).toBe((await sql`select 1 from pdfprompt_file where store = 'file'`).length);

    await sql`update pdfprompt_file set expires_at = now()`;
    await stop(worker);
    worker = await work('postgres'); // it reaches the directories all the same
    await eventually(async () => (await pdfs()) === 0, 60_000, 'all bytes are gone');
    expect(await sql`select 1 from pdfprompt_file_chunk`).toHaveLength(0);
    expect((await fetch(`${address}/v1/jobs/${ids[0]}/pdf`, { headers })).status).toBe(410);
    await Promise.all([stop(worker), stop(api.cli)]);
    await balancer.close();
    process.stdout.write(`${ids.length} jobs in ${rows.length} stores\n`);
  }, 400_000);
});

describe('a worker that is killed', () => {
  it.each(['store.put', 'finish.written'])(
    'at %s leaves no bytes that no job has',
    async (point) => {
      const store = STORES[0] ?? '';
      const api = await serve(store);
      const doomed = await work(store, { CHAOS_CRASH_AT: point });
      const submit = async () => {
        const response = await fetch(`${api.address}/v1/jobs`, {
          method: 'POST',
          headers,
          body: '{"html":"<p>x</p>"}',
        });
        return ((await response.json()) as { id: string }).id;
      };
      const before = await pdfsIn(directories[0]);
      const id = await submit();
      expect((await doomed.exited).signal).toBe('SIGKILL');
      expect(await pdfsIn(directories[0])).toBe(before + 1);
      const cancelled = point === 'store.put';
      if (cancelled) await fetch(`${api.address}/v1/jobs/${id}`, { method: 'DELETE', headers });
      const heir = await work(store);
      if (cancelled)
        await eventually(async () => (await pdfsIn(directories[0])) === before, 15_000, 'they are removed');
      else {
        const job = await fetch(`${api.address}/v1/jobs/${id}?wait=60`, { headers });
        expect(await job.json()).toMatchObject({ status: 'completed' });
        expect(await pdfsIn(directories[0])).toBe(before + 1); // at once: the next run has removed the first one's
      }
      await Promise.all([stop(heir), stop(api.cli)]);
    },
    120_000,
  );
});
