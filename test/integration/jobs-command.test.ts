import { describe, expect, it } from 'vitest';
import { endPause, startPause } from '../../src/jobs/pauses.ts';
import { pdfprompt } from '../support/cli.ts';
import { endJob } from '../support/ended-jobs.ts';
import { startService } from '../support/service.ts';
import { temporaryDirectory } from '../support/files.ts';
import { typed } from '../support/typed.ts';

const service = await startService();
const env = { DATABASE_URL: service.url };
const cli = (line: string) => typed(line.split(' '), env);
const cells = (stdout: string) => stdout.split('\n').slice(0, -1).map((line) => line.split('\t')); // prettier-ignore
const idsOf = (stdout: string) => cells(stdout).map(([id]) => id);

const keys = { ann: await service.newKey('ann@example.com'), bob: await service.newKey('bob@example.com') };
async function submit(who: keyof typeof keys, request: object = {}): Promise<string> {
  const body = JSON.stringify({ html: '<p>secret words</p>', ...request });
  const answer = await service.request('/v1/jobs', { method: 'POST', body, key: keys[who] });
  const { id } = (await answer.json()) as { id?: string };
  if (id === undefined) throw new Error(`${answer.status}: ${JSON.stringify(request)}`);
  return id;
}

const failed = await submit('ann', { filename: 'invoice-17', metadata: { order: 'A-17' } });
const queued = await submit('ann', { filename: 'letter', metadata: { order: 'A-18' } });
const cancelled = await submit('bob', {
  html: undefined,
  url: 'http://example.com/?token=hidden',
  setExtraHTTPHeaders: { 'x-token': 'hidden' },
});
await endJob(service.sql, failed, 'failed');
await endJob(service.sql, cancelled, 'cancelled');

describe('pdfprompt jobs list', () => {
  it.each([
    ['', [cancelled, queued, failed]],
    ['--status failed', [failed]],
    ['--user ann@example.com', [queued, failed]],
    ['--user ann@example.com --status queued', [queued]],
    ['--email BOB', [cancelled]],
    [`--id ${queued}`, [queued]],
    ['--filename inv', [failed]],
    ['--metadata order=A-18', [queued]],
    ['--metadata order=A-1* --status queued', [queued]],
    ['--error print_failed', [failed]],
    ['--tier unlimited --limit 1', [cancelled]],
    ['--before 2026-01-01', []],
    ['--after 2026-01-01 --metadata order=A-1* --error print_failed', [failed]],
    ['--template none', []],
  ])('%s', async (flags, expected) => {
    const { code, stdout, stderr } = await cli(`jobs list ${flags}`.trim());
    expect([code, idsOf(stdout)]).toEqual([0, expected]);
    expect(stderr).toBe(expected.length === 0 ? 'No job fits.\n' : '');
  });

  it('has for each job what a support agent asks for, and nothing of the document', async () => {
    const { stdout } = await cli('jobs list --status failed');
    const time = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect(cells(stdout)).toEqual([[failed, 'failed', 'ann@example.com', 'unlimited', time, time, 'invoice-17', '', 'print_failed']]); // prettier-ignore
    const { data } = JSON.parse((await cli('jobs list --json')).stdout) as { data: object[] };
    expect(data).toHaveLength(3);
    expect(JSON.stringify(data)).not.toContain('secret words');
  });

  it.each([
    ['--status done', /--status: .*scheduled/],
    ['--user nobody', /--user: "nobody" is not allowed; allowed: an email, or the id of a user/],
    ['--user ghost@example.com', /there is no user ghost@example.com. Type: pdfprompt jobs list/],
    ['--id xyz', /--id: allowed: an id or its beginning/],
    ['--error render_timeot', /--error: allowed: .*did you mean/],
    ['--template In@valid@', /--template: /],
    ['--batch 7', /--batch: /],
    ['--after yesterday', /--after: allowed: a date/],
    ['--before 2026-13-01', /--before: allowed: a date/],
    ['--retried perhaps', /--retried: /],
    ['--metadata order', /--metadata: "order" is not allowed; allowed: KEY=VALUE/],
    ['--metadata a=1 --metadata b=1 --metadata c=1 --metadata d=1', /--metadata: allowed: at most 3/],
    ['--limit 0', /--limit: "0" is not allowed; allowed: 1 to/],
    ['--limit many', /--limit: "many" is not allowed/],
    ['--statu failed', /unknown option '--statu'[\s\S]*Did you mean/],
  ])('refuses %s with what is allowed', async (flags, message) => {
    for (const command of ['list', ...(flags.includes('limit') ? [] : ['tail'])]) {
      const { code, stdout, stderr } = await cli(`jobs ${command} ${flags}`);
      expect(stderr).toMatch(message);
      expect([code, stdout]).toEqual([2, '']);
    }
  });
});

describe('pdfprompt jobs show', () => {
  it('says why a job failed, without its document and its credentials', async () => {
    const rows = cells((await cli(`jobs show ${failed}`)).stdout);
    expect(rows.slice(0, 3)).toEqual([['id', failed], ['status', 'failed'], ['error', expect.stringMatching(/^print_failed/)]]); // prettier-ignore
    expect(rows).toContainEqual(['metadata', '{"order":"A-17"}']);
    for (const flag of ['', ' --json']) {
      const { stdout } = await cli(`jobs show ${cancelled}${flag}`);
      expect(stdout).toContain('bob@example.com');
      expect(stdout).not.toMatch(/secret words|hidden/);
    }
    expect(await cli('jobs show 7')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('pdfprompt jobs cancel and retry', () => {
  it('print the ids of what was done, and say why the rest was not', async () => {
    const id = await submit('ann');
    const unknown = '019c0000-0000-7000-8000-000000000000';
    const done = await cli(`jobs cancel ${id} ${failed} ${unknown}`);
    expect(done).toMatchObject({ code: 1, stdout: `${id}\n` });
    expect(done.stderr).toBe(`${failed}: not cancelled: it is failed\n${unknown}: not cancelled: there is no job ${unknown}\n`); // prettier-ignore
    const retried = await cli(`jobs retry ${id} ${queued}`);
    expect(retried).toMatchObject({ code: 1, stderr: `${queued}: not retried: the job is queued; allowed: a job that failed or was cancelled\n` }); // prettier-ignore
    const [again = ''] = idsOf(retried.stdout);
    expect(cells((await cli(`jobs show ${again}`)).stdout)).toContainEqual(['status', 'queued']);
    const audits = await service.sql`select what, by_user_id, job_id from pdfprompt_audit where job_id = ${again}`;
    expect(audits).toEqual([{ what: 'retried a job', by_user_id: null, job_id: again }]);
    expect(JSON.parse((await cli(`jobs cancel ${again} --json`)).stdout)).toEqual({
      data: [{ id: again, job: again, status: 'cancelled', error: null }],
    });
  });

  it('take the ids of a list from stdin', async () => {
    const list = (await cli('jobs list --status cancelled --user bob@example.com')).stdout;
    const { code, stdout } = await pdfprompt(['jobs', 'retry', '-'], { env, input: `${idsOf(list).join('\n')}\n` })
      .exited;
    expect([code, idsOf(stdout).length]).toEqual([0, 1]);
    await cli(`jobs cancel ${idsOf(stdout)[0]}`);
  });

  it('count a retry towards the limits of its user', async () => {
    await typed(['tiers', 'set', 'one', '--minute', '1', '--day', '1', '--priority', '0'], env);
    await typed(['keys', 'create', '--user', 'ann@example.com', '--tier', 'one'], env);
    expect((await cli(`jobs retry ${failed} ${failed}`)).stderr).toMatch(
      /not retried: your limit is reached; allowed: 1 in a UTC day/,
    );
    await typed(['tier', 'set', '--user', 'ann@example.com', '--tier', 'unlimited'], env);
  });
});

describe('pdfprompt jobs tail', () => {
  it('prints a line for each change of the jobs that fit, until Ctrl-C', async () => {
    const old = await submit('bob');
    const all = pdfprompt(['jobs', 'tail', '--user', 'bob@example.com'], { env });
    const ends = pdfprompt(['jobs', 'tail', '--status', 'cancelled', '--json'], { env });
    for (const tail of [all, ends]) await tail.until(/Following/);
    const id = await submit('bob', { filename: 'seen' });
    await submit('ann');
    await all.until(new RegExp(`${id}\tqueued\tbob@example.com\tseen\t`));
    await service.sql`update pdfprompt_job set status = 'processing', runs = 1, attempts = 1, started_at = now() where id = ${id}`;
    await all.until(new RegExp(`${id}\tprocessing`));
    await cli(`jobs cancel ${id} ${old}`);
    for (const tail of [all, ends]) for (const each of [id, old]) await tail.until(new RegExp(`${each}.*cancelled`));
    for (const tail of [all, ends]) tail.child.kill('SIGINT');
    const seen = cells((await all.exited).stdout).map(([, job, status]) => `${job} ${status}`);
    expect(seen.slice(0, 2)).toEqual([`${id} queued`, `${id} processing`]);
    expect(new Set(seen.slice(2))).toEqual(new Set([`${id} cancelled`, `${old} cancelled`]));
    const { code, stdout } = await ends.exited;
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as { id: string; status: string }); // prettier-ignore
    expect([code, new Set(lines.map(({ id: job }) => job))]).toEqual([0, new Set([id, old])]);
    expect(lines.every(({ status }) => status === 'cancelled')).toBe(true);
  });
});

describe('pdfprompt users', () => {
  it('are listed, found by the beginning of their email, and shown', async () => {
    expect(cells((await cli('users list')).stdout).map(([, email]) => email)).toEqual(expect.arrayContaining(['ann@example.com', 'bob@example.com'])); // prettier-ignore
    expect(cells((await cli('users list --email BO')).stdout)).toEqual([[expect.any(String), 'bob@example.com', 'unlimited', expect.any(String)]]); // prettier-ignore
    expect(cells((await cli('users list --limit 1')).stdout)).toHaveLength(1);
    expect(await cli('users list --email zoe')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^No user fits/) }); // prettier-ignore
    const shown = cells((await cli('users show ann@example.com')).stdout);
    expect(shown).toContainEqual(['failed jobs', '1']);
    expect(JSON.parse((await cli('users show ann@example.com --json')).stdout)).toMatchObject({ tier: 'unlimited', jobs: { failed: 1 } }); // prettier-ignore
    expect(await cli('users show ghost@example.com')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/there is no user/) }); // prettier-ignore
    expect(await cli('users show nobody')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^pdfprompt: EMAIL: /) }); // prettier-ignore
  });
});

describe('pdfprompt status and db url', () => {
  it('say where the service and the database are, and what there is to do', async () => {
    const { stdout } = await typed(['status', '--url', service.address, '--json'], env);
    const { host, pathname } = new URL(service.url);
    expect(JSON.parse(stdout)).toMatchObject({
      version: expect.stringMatching(/^\d+\./) as string,
      service: { url: service.address, isReady: true, problem: null },
      database: { address: `${host}${pathname}`, isEmbedded: false, lacks: [], schema: expect.stringMatching(/^\d{4}_/) as string }, // prettier-ignore
      chromium: expect.stringMatching(/\d+\.\d+/) as string,
      queue: { groups: [{ tier: 'unlimited', depth: expect.any(Number) as number }], pauses: [] },
      lastBackup: null,
    });
    expect(stdout).not.toContain(new URL(service.url).password);
    const rows = cells((await typed(['status', '--url', 'http://127.0.0.1:1'], env)).stdout);
    expect(rows).toContainEqual(['service', expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: not ready, /)]);
    expect(rows).toContainEqual(['queued unlimited high', expect.stringMatching(/^\d+, the oldest for \d+ s$/)]);
    await startPause(service.base.db, { target: 'tier:one', reason: 'too many of them' });
    const paused = cells((await typed(['status', '--url', service.address], env)).stdout);
    expect(paused).toContainEqual(['paused tier:one', expect.stringMatching(/^since \d{4}-.*Z: too many of them$/)]);
    await endPause(service.base.db, 'tier:one');
  });

  it('have an embedded Postgres that does not run left alone', async () => {
    const nowhere = { PDFPROMPT_DATA_DIR: await temporaryDirectory('nowhere'), CHROME_PATH: '/nowhere/chrome' };
    expect(cells((await typed(['status'], nowhere)).stdout)).toContainEqual(['database', 'embedded, does not run; type: pdfprompt up']); // prettier-ignore
    expect(await typed(['db', 'url'], nowhere)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/does not run, and has no address\. Type: pdfprompt up/) }); // prettier-ignore
    expect((await typed(['db', 'url'], env)).stdout).toBe(`${service.url}\n`);
  });
});
