/** @module-tag long */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { type QueueFigures, queuedJobs } from '../../src/domain/queue-figures.ts';
import type { Calibration } from '../../src/planning/calibration.ts';
import type { Plan } from '../../src/planning/capacity.ts';
import type { PriceTable } from '../../src/planning/prices.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const JOBS = 25;
const directory = await temporaryDirectory('plan');
const plan = (arguments_: string[], env: Record<string, string> = {}) =>
  pdfprompt(['plan', ...arguments_], { env: { PDFPROMPT_DATA_DIR: directory, ...env } }).exited;

type Json = Plan & { setup: string; mix: Record<string, number>; calibration: Calibration; assumptions: string[] };
const json = async (arguments_: string[], env?: Record<string, string>): Promise<Json> => {
  const { stdout, code, stderr } = await plan([...arguments_, '--json'], env);
  expect(stderr).not.toMatch(/pdfprompt:/);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Json; // one document and nothing else
};

describe('pdfprompt plan', () => {
  it('says for people what is needed, what is to be expected, and what is taken for granted', async () => {
    const { code, stdout, stderr } = await plan(['--users', '10000']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^workers +2 × 2x4/m);
    expect(stdout).toMatch(/^connections +24 \(DATABASE_MAX_CONNECTIONS: 6 for each serve, 6 for each work\)/m);
    for (const name of [
      'users',
      'documents',
      'memory',
      'database',
      'wait',
      'turnaround',
      'utilisation',
      'at most',
      'a month',
    ])
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
    expect(stdout).toMatch(/Assumptions:[\s\S]*off by half[\s\S]*Prices .* as of/);
  });

  it('says it as JSON for programs', async () => {
    const found = await json(['--pdfs-per-hour', '20000', '--mix', 'invoice:3,ticket:1', '--setup', 'self-hosted']);
    expect(found).toMatchObject({
      setup: 'self-hosted',
      load: { users: 40_000, pdfsPerHour: 20_000 },
      mix: { invoice: 0.75, ticket: 0.25 },
      workers: { count: expect.any(Number), size: expect.stringMatching(/^\d+x\d+$/), concurrency: expect.any(Number) },
      processes: { serve: expect.any(Number), connections: { serve: 6, work: 6 } },
      connections: { fleet: expect.any(Number), needed: expect.any(Number), available: expect.any(Number) },
      database: { storageGb: expect.any(Number), jobs: expect.any(Number) },
      predicted: { wait: { p50: expect.any(Number), p95: expect.any(Number) }, maxThroughput: expect.any(Number) },
      monthly: { currency: 'USD', total: expect.any(Number) },
      calibration: { source: 'built-in' },
    });
    expect(found.assumptions.length).toBeGreaterThan(5);
  });

  it.each([
    [[], /--users: how many\? allowed: --users N, or --pdfs-per-hour N/],
    [['--users', '0'], /--users: "0" is not allowed; allowed: a whole number from 1 to/],
    [['--users', '1e3'], /--users: "1e3" is not allowed/],
    [['--users', '-5'], /--users: "-5" is not allowed/],
    [['--pdfs-per-hour', 'many'], /--pdfs-per-hour: "many" is not allowed; allowed: a number from 1/],
    [['--users', '9', '--mix', 'letter:1'], /--mix: "letter:1" is not allowed; allowed: .*invoice, ticket, report/],
    [['--users', '9', '--target-p95', 'soon'], /--target-p95: "soon" is not allowed; allowed: a time such as 500ms/],
    [['--users', '9', '--target-p95', '1ms'], /--target-p95: .* cannot be had/],
    [['--users', '9', '--worker-size', '3x1'], /--worker-size: there is no price for 3x1; allowed: 2x4, 4x8, 8x16/],
    [['--users', '9', '--setup', 'cheap'], /--setup .*Allowed choices are managed, self-hosted/],
    [['--users', '9', '--peak-factor', '0.5'], /--peak-factor: "0.5" is not allowed/],
    [['--users', '9', '--spare', 'x'], /--spare: "x" is not allowed; allowed: a whole number/],
    [['--users', '9', '--prices', '/nowhere.json'], /--prices: \/nowhere\.json: .*--print-prices/],
    [['--users', '9', '--document', 'a=b'], /--document: allowed: with --calibrate/],
    [['--calibrate', '1', '--document', 'page'], /--document: "page" is not allowed; allowed: NAME=FILE/],
    [['--calibrate', '1', '--document', 'page=/nowhere.html'], /--document: ENOENT/],
    [['--calibrate', '--from-database'], /--calibrate and --from-database: allowed: one of them/],
    [['--from-database', '--mix', 'a:1', '--users', '9'], /--mix: allowed: without --from-database/],
  ])('answers %j with exit code 2 and what is allowed', async (arguments_, message) => {
    const { code, stderr, stdout } = await plan(arguments_);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('reckons with a price table of yours', async () => {
    const prices = JSON.parse((await plan(['--print-prices'])).stdout) as PriceTable;
    const file = join(directory, 'prices.json');
    for (const machine of prices.setups.managed.machines) machine.monthly = 1_000;
    await writeFile(file, JSON.stringify({ ...prices, currency: 'EUR' }));
    const { monthly, workers } = await json(['--users', '1000', '--prices', file]);
    expect(monthly).toMatchObject({ currency: 'EUR', workers: 1_000 * workers.count });
    prices.setups.managed.databases = [];
    await writeFile(file, JSON.stringify(prices));
    const { code, stderr } = await plan(['--users', '1000', '--prices', file]);
    expect(stderr).toMatch(/--prices: .*setups\.managed\.databases/);
    expect(code).toBe(2);
  });

  it('measures your documents here with --calibrate, and plans with them from then on', async () => {
    const file = join(directory, 'label.html');
    await writeFile(file, '<h1>Label</h1>');
    const measured = await plan(['--calibrate', '2', '--document', `label=${file}`, '--json'], {
      PDFPROMPT_DATA_DIR: directory,
    });
    expect(measured.stderr).toMatch(/Kept in .*calibration\.json/);
    const { calibration } = JSON.parse(measured.stdout) as { calibration: Calibration };
    const { renderMs = 0, pdfBytes = 0 } = calibration.documents['label'] ?? {};
    expect(calibration.samples).toBeGreaterThanOrEqual(3);
    expect(renderMs).toBeGreaterThan(0.5);
    expect(pdfBytes).toBeGreaterThan(500); // a PDF was really made

    const kept = JSON.parse(await readFile(join(directory, 'calibration.json'), 'utf8')) as Calibration;
    expect(kept).toEqual(calibration);
    expect(await json(['--users', '100'])).toMatchObject({ mix: { label: 1 }, calibration: { source: 'renderer' } });
    await writeFile(join(directory, 'calibration.json'), '{}');
    const spoiled = await plan(['--users', '100']);
    expect(spoiled.stderr).toMatch(/calibration\.json is no calibration: .* Type: pdfprompt plan --calibrate/s);
    expect(spoiled.code).toBe(1);
  }, 180_000);

  it('takes it from the jobs of the database with --from-database', async () => {
    const service = await startService();
    const env = { DATABASE_URL: service.url };
    const few = await plan(['--users', '100', '--from-database'], env);
    expect(few.stderr).toMatch(/--from-database: there are 0 completed jobs, and 20 at least/);
    expect(few.code).toBe(1);

    const { db, queue, stores, events } = service.base;
    const workerId = '01a20b1c-7e0d-7435-94b8-00000000000e';
    await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    for (let count = 0; count < JOBS; count++)
      await service.request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>done' }) });
    for (const job of await claimJobs({ db, queue, events }, { workerId, count: JOBS }))
      await finishJob({ db, queue, stores, retentionMs: 3_600_000 }, job, doneWith(Buffer.from('%PDF-1.7')));
    // As if each had been rendered by itself.
    await service.sql`
      update pdfprompt_job set timings = '{"queued": 5, "total": 1239}', started_at = completed_at
        + (select count(*) from pdfprompt_job before where before.id < pdfprompt_job.id) * interval '1 minute'`;
    const scans = async () => {
      const [row] = await service.sql<{ scans: number }[]>`
        select idx_scan::integer as scans from pg_stat_user_indexes where indexrelname = 'pdfprompt_job_ended'`;
      return row?.scans ?? 0;
    };
    const before = await scans();
    const found = await json(['--users', '100', '--from-database'], env);
    expect(found).toMatchObject({ mix: { history: 1 }, calibration: { source: 'database', samples: JOBS } });
    expect(found.predicted.turnaround.p50).toBeGreaterThan(1_234);
    expect(found.predicted.turnaround.p50).toBeLessThan(1_400);
    await eventually(async () => (await scans()) > before, 30_000, 'the jobs were read by their index');
  }, 180_000);
});

describe('pdfprompt plan --now', () => {
  it('says what GET /v1/admin/queue says', async () => {
    const service = await startService();
    const env = { DATABASE_URL: service.url };
    const { key } = await createKey(service.base.db, { email: 'ops@example.com', tier: 'system', scopes: ['admin'] });
    await service.request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>waits' }) });
    const counted = async () => {
      const answer = await service.request('/v1/admin/queue', { key });
      return answer.ok && queuedJobs((await answer.json()) as QueueFigures) === 1;
    };
    await eventually(counted, 30_000, 'the job is counted');
    const { code, stdout } = await plan(['--now', '--json'], env);
    expect(code).toBe(0);
    const figures = JSON.parse(stdout) as QueueFigures;
    expect(queuedJobs(figures)).toBe(1);
    expect(figures).toMatchObject({ workers: 0, desiredWorkers: 1 });
    expect((await plan(['--now'], env)).stdout).toMatch(/^desired workers\t1\nworkers\t0\nqueued\t1,/);
  });
});
