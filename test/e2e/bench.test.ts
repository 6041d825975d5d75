/** @module-tag long */

import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { LoadReport } from '../../src/planning/load-report.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';

const { url: DATABASE_URL, sql } = await createDatabase();
const env = { DATABASE_URL, LOG_LEVEL: 'warn' };
const directory = await temporaryDirectory('bench');
const pool = openTestPool(DATABASE_URL);
const { key: adminKey } = await createKey(pool.db, { email: 'ops@example.com', scopes: ['admin'] });
const { key: annsKey } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();

async function serve(): Promise<{ cli: Cli; url: string }> {
  const cli = pdfprompt(['serve', '--port', '0'], { env });
  const [, url = ''] = await cli.until(/serves at (http:\S+)/);
  return { cli, url };
}
const { url } = await serve();
await pdfprompt(['work', '--concurrency', '2'], { env }).until(/pdfprompt works/);

/** Targets that even a slow machine meets. */
const EASY = ['--target-p95', '60s', '--target-errors', '0%', '--timeout', '120s'];
const bench = (flags: string[], more: Record<string, string> = {}, to = url) =>
  pdfprompt(['bench', '--url', to, ...flags], { env: { LOG_LEVEL: 'warn', ...more } });
const admin = { PDFPROMPT_ADMIN_KEY: adminKey };

interface Row {
  tier: string;
  status: string;
  count: number;
}
// Its users are erased at the end: what they had is written down as it goes.
await sql.unsafe(`
  create table seen_user (id uuid, email text);
  create table seen_job (user_id uuid, tier text, status text);
  create function see_user() returns trigger language plpgsql as
    $$ begin insert into seen_user values (new.id, new.email); return null; end $$;
  create trigger see after insert on pdfprompt_user for each row execute function see_user();
  create function see_job() returns trigger language plpgsql as
    $$ begin insert into seen_job values (old.user_id, old.tier, old.status); return null; end $$;
  create trigger see after delete on pdfprompt_job for each row execute function see_job()`);
const jobsOf = (run: string) => sql<Row[]>`
  select j.tier, j.status, count(*)::int as count from seen_job j join seen_user u on u.id = j.user_id
  where u.email like ${`bench-${run}-%`} group by 1, 2`;
const usersLeft = () => sql`select email from pdfprompt_user where email not in ('ops@example.com', 'ann@example.com')`;
const keysOf = (run: string) => sql<{ expiresAt: Date | null }[]>`
  select expires_at as "expiresAt" from pdfprompt_api_key k
  join pdfprompt_user u on u.id = k.user_id where u.email like ${`bench-${run}%`}`;
const sum = (rows: Row[], which: Partial<Row> = {}) =>
  rows
    .filter(({ tier, status }) => (which.tier ?? tier) === tier && (which.status ?? status) === status)
    .reduce((total, { count }) => total + count, 0);

describe('pdfprompt bench', { timeout: 180_000 }, () => {
  it('counts what the database counts, by tier, and leaves no user behind', async () => {
    const file = join(directory, 'report.html');
    const flags = ['--users', '20', '--rate', '40', '--duration', '6s', '--ramp', '1s', '--json', '--report', file];
    const { code, stdout, stderr } = await bench([...flags, ...EASY], admin).exited;
    const report = JSON.parse(stdout) as LoadReport;
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/asked for/) });
    const { counts, tiers, run } = report;
    expect(report.plan.usersByTier).toEqual({ starter: 14, professional: 5, enterprise: 1 });

    const jobs = await jobsOf(run);
    expect(counts.completed).toBe(sum(jobs, { status: 'completed' }));
    expect(counts.accepted).toBe(sum(jobs));
    expect(counts.offered).toBe(counts.completed + counts.limitsHit);
    for (const tier of ['starter', 'professional', 'enterprise'])
      expect(tiers[tier]).toMatchObject({ completed: sum(jobs, { tier }), errors: 0, failed: 0 });
    // Two a minute for each of fourteen: whatever is more was over the limit.
    expect(tiers.starter?.completed).toBeLessThanOrEqual(28);
    expect(tiers.starter?.limitsHit).toBeGreaterThan(0);
    expect(tiers.enterprise?.limitsHit).toBe(0);
    expect(report.latency.turnaround.count).toBe(counts.completed);
    expect(report.latency.generation.p50).toBeGreaterThan(0);

    expect(await usersLeft()).toHaveLength(0);
    expect(report.generator.keysLeft).toBe(0);

    await expectPage(file, '✓ The targets are met');
  });

  it('needs no key where it has the database, and says that a target is not met', async () => {
    const flags = ['--users', '3', '--rate', '40', '--duration', '3s', '--target-pdfs-per-hour', '1000000'];
    const { code, stdout } = await bench([...flags, ...EASY], { DATABASE_URL }).exited;
    expect(stdout).toMatch(/✓ errors 0 %, target at most 0 %\n✗ PDFs an hour [\d,]+, target at least 1,000,000/);
    expect(stdout).toMatch(/The targets are not met\.\n$/);
    expect(code).toBe(1);
    expect(await usersLeft()).toHaveLength(0);
  });

  it('puts all load on the user of one key', async () => {
    const flags = ['--users', '5', '--rate', '30', '--duration', '3s', '--json', '--key', annsKey];
    const { code, stdout } = await bench([...flags, ...EASY]).exited;
    const { counts, tiers } = JSON.parse(stdout) as LoadReport;
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from pdfprompt_job j
      join pdfprompt_user u on u.id = j.user_id where u.email = 'ann@example.com'`;
    expect(counts.accepted).toBe(row?.count);
    expect(Object.keys(tiers)).toEqual(['unlimited']);
    expect(code).toBe(0);
  });

  it('says in a sentence what keeps it from beginning', async () => {
    const nobody = 'pdf_0000000000000000000000000000000000000';
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const cases: [string[], Record<string, string>, string, number, RegExp][] = [
      [[], { PDFPROMPT_ADMIN_KEY: nobody }, url, 1, /The admin key is not valid there/],
      [[], { PDFPROMPT_ADMIN_KEY: annsKey }, url, 1, /The admin key may not do that: .*admin/],
      [['--key', nobody], {}, url, 1, /The key is not valid there/],
      [['--tiers', 'gold:1'], admin, url, 2, /--tiers: there is no tier gold; allowed: starter/],
      [[], admin, nowhere, 1, /There is no service at http:\S+: .*ECONNREFUSED/],
      [[], {}, 'http://pdfprompt.invalid', 1, /There is no service at http:\/\/pdfprompt\.invalid/],
      [['--users', 'many'], admin, url, 2, /--users: "many" is not allowed; allowed: a whole number/],
      [['--report', join(directory, 'no', 'such')], admin, url, 1, /--report: ENOENT/],
    ];
    for (const [flags, more, to, code, message] of cases) {
      const ended = await bench(['--duration', '2s', '--users', '2', ...flags], more, to).exited;
      expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
      expect(ended.stderr).not.toMatch(/ {4}at |pdf_0{5}/);
    }
  });

  it('reports what it saw when it gets SIGINT, cancels the rest, and takes its users away', async () => {
    const cli = bench(['--users', '10', '--tiers', 'enterprise', '--rate', '60', '--duration', '10m', '--json'], admin);
    await eventually(() => / [1-9]\d* asked for/.test(cli.stderr()), 60_000, 'it is under way');
    cli.child.kill('SIGINT');
    const { code, stdout } = await cli.exited;
    const { run, endedBy, counts } = JSON.parse(stdout) as LoadReport;
    expect({ code, endedBy }).toEqual({ code: 130, endedBy: 'signal' });
    expect(counts.offered).toBeGreaterThan(0);
    expect(await usersLeft()).toHaveLength(0);
    const jobs = await jobsOf(run);
    expect(sum(jobs, { status: 'completed' })).toBeGreaterThanOrEqual(counts.completed);
    expect(counts.accepted).toBeLessThanOrEqual(sum(jobs));
  });

  it('has a verdict on a service that is killed under it', async () => {
    const doomed = await serve();
    const flags = ['--users', '5', '--tiers', 'enterprise', '--rate', '60', '--duration', '10m'];
    const cli = bench(flags, admin, doomed.url);
    await eventually(() => / [1-9]\d* asked for/.test(cli.stderr()), 60_000, 'it is under way');
    doomed.cli.child.kill('SIGKILL');
    const { code, stdout, stderr } = await cli.exited;
    expect(stdout).toMatch(/! The service stopped answering at \d{4}-\S+Z; the test was ended\./);
    const [, run = ''] =
      /! 5 users of bench-(\w+) could not be erased; their keys expire by themselves/.exec(stdout) ?? [];
    expect(stdout).toMatch(/The targets are not met\.\n$/);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(code).toBe(1);
    const keys = await keysOf(run);
    expect(keys.map(({ expiresAt }) => (expiresAt?.getTime() ?? Infinity) < Date.now() + 3_600_000)).toEqual(
      Array.from({ length: 5 }, () => true),
    );
  });
});

/** In a real browser, from the disk: nothing is asked of anybody, nothing is wrong, and it fits a phone. */
async function expectPage(file: string, headline: string): Promise<void> {
  const chromium = await launchChromium(await findChromium({ chromePath: undefined, dataDir: inject('dataDir') }));
  try {
    const page = await chromium.browser.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.setViewport({ width: 360, height: 740 });
    await page.goto(`file://${file}`);
    expect(requests).toEqual([`file://${file}`]);
    expect(complaints).toEqual([]);
    expect(await page.$eval('.verdict h2', (heading) => heading.textContent)).toBe(headline);
    expect(await page.$$eval('figure svg', (plots) => plots.length)).toBe(3);
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    const light = await background();
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    expect(await background()).not.toBe(light);
  } finally {
    await chromium.close();
  }
}
