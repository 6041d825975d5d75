/** @module-tag long */

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { readPdf } from '../support/pdf.ts';

const { url, sql } = await createDatabase();
const settings = { DATABASE_URL: url, LOG_LEVEL: 'warn' };
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const port = String(await freePort());
const env = { PDFPROMPT_URL: `http://127.0.0.1:${port}`, PDFPROMPT_KEY: key };

async function startApi(): Promise<Cli> {
  const started = pdfprompt(['serve', '--port', port], { env: settings });
  await started.until(/serves at/);
  return started;
}
let api = await startApi();
const worker = pdfprompt(['work', '--concurrency', '2'], { env: settings });
await worker.until(/pdfprompt works/);

async function restartApi(): Promise<void> {
  api.child.kill('SIGKILL');
  await api.exited;
  api = await startApi();
}

const directory = await temporaryDirectory('batch');
const at = (...names: string[]) => join(directory, ...names);
await mkdir(at('letter'));
await writeFile(at('letter/index.html'), '<p>{{ nonce }}');
const batch = (arguments_: string[], input?: string) =>
  pdfprompt(['batch', ...arguments_], { env, ...(input !== undefined && { input }) });

async function rows(name: string, count: number): Promise<{ path: string; nonces: string[] }> {
  const nonces = Array.from({ length: count }, (_, row) => `${name} ${row + 1} of ${count}`);
  await writeFile(at(name), `nonce\n${nonces.join('\n')}\n`);
  return { path: at(name), nonces };
}

const textOf = async (path: string) => (await readPdf(await readFile(path))).text;

async function counts(): Promise<number[]> {
  const [row] = await sql<{ batches: number; items: number; attempts: number }[]>`
    select (select count(*)::int from pdfprompt_batch) as batches,
      (select count(*)::int from pdfprompt_job where batch_row is not null) as items,
      (select count(*)::int from pdfprompt_job_attempt a join pdfprompt_job j on j.id = a.job_id
        where j.batch_row is not null) as attempts`;
  return [row?.batches ?? 0, row?.items ?? 0, row?.attempts ?? 0];
}

/** What the work has added: batches, items, and attempts to print them. */
async function addedBy(work: () => Promise<void>): Promise<number[]> {
  const before = await counts();
  await work();
  return (await counts()).map((count, index) => count - (before[index] ?? 0));
}

/** Numbers from 0 to 1, always the same. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Resolves when stderr has it, or the process has ended. */
async function said(cli: Cli, pattern: RegExp): Promise<void> {
  let hasEnded = false;
  void cli.exited.then(() => (hasEnded = true));
  while (!hasEnded && !pattern.test(cli.stderr())) await sleep(10);
}

describe('pdfprompt batch', () => {
  it('killed at ten moments, with restarts of the service, makes everything once', async () => {
    const { path, nonces } = await rows('killed', 120);
    const next = numbers(21);
    const arguments_ = [at('letter'), path, '--format', 'csv', '--out', at('killed-out')];
    const added = await addedBy(async () => {
      for (let kill = 0; kill < 10; kill++) {
        const cli = batch(arguments_);
        if (next() < 0.6) await said(cli, /^Batch /m); // otherwise before it is accepted, mostly
        await sleep(next() * 900);
        cli.child.kill('SIGKILL');
        await cli.exited;
        if (kill % 4 === 1) await restartApi();
      }
      const { code, stderr } = await batch(arguments_).exited;
      expect(stderr).toMatch(/^120 of 120 documents (?:had been )?printed /m);
      expect(code).toBe(0);
    });
    expect(added).toEqual([1, 120, 120]);
    const names = nonces.map((_, row) => `${String(row + 1).padStart(5, '0')}.pdf`);
    expect((await readdir(at('killed-out'))).toSorted()).toEqual(names);
    for (const [row, name] of names.entries()) expect(await textOf(at('killed-out', name))).toEqual([nonces[row]]);
  });

  it('waits for a service that is restarted', async () => {
    const { path, nonces } = await rows('restarted', 60);
    const cli = batch(['letter', path, '--format', 'csv', '--merge', at('restarted.pdf')]);
    await said(cli, /^Batch /m);
    api.child.kill('SIGKILL');
    await said(cli, /waiting: no answer \(\w+\)/);
    await restartApi();
    expect(await cli.exited).toMatchObject({ code: 0, stderr: expect.stringContaining('60 of 60 documents printed') });
    expect(await textOf(at('restarted.pdf'))).toEqual(nonces);
  });

  it('stops following at Ctrl-C, says how to go on, and goes on', async () => {
    const { path, nonces } = await rows('stopped', 60);
    const arguments_ = ['letter', path, '--format', 'csv', '--merge', at('stopped.pdf')];
    const added = await addedBy(async () => {
      const stopped = batch([...arguments_, '--json']);
      await said(stopped, /^Batch /m);
      stopped.child.kill('SIGINT');
      const { code, stdout, stderr } = await stopped.exited;
      expect(stderr).toMatch(
        /the batch goes on in the service\.\n {2}go on: .*--resume \S+\n {2}cancel: .*--cancel \S+\n$/,
      );
      const { batch: left, ...why } = JSON.parse(stdout) as { batch: { id: string } };
      expect([code, why]).toEqual([130, { error: 'stopped', code: null, errors: [] }]);
      expect(stderr).toContain(`--resume ${left.id}\n`);
      const again = await batch(arguments_).exited;
      expect(again.stderr).toMatch(/^Batch \S+ of \S+ (goes on|is completed): the same rows were sent before/);
      expect(again.code).toBe(0);
    });
    expect(added).toEqual([1, 60, 60]);
    expect(await textOf(at('stopped.pdf'))).toEqual(nonces);
  });

  it('takes rows from stdin', async () => {
    const lines = ['{"data":{"nonce":"from"}}', '{"data":{"nonce":"stdin"},"filename":"second"}'].join('\n');
    const { code, stdout } = await batch(['letter', '-', '--format', 'ndjson', '--out', at('stdin'), '--json'], lines)
      .exited;
    expect(JSON.parse(stdout)).toMatchObject({ batch: { status: 'completed' }, written: 2, unchanged: 0, expired: 0 });
    expect([code, await readdir(at('stdin'))]).toEqual([0, ['00001.pdf', 'second.pdf']]);
  });
});
