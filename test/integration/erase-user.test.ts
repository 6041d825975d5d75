import { existsSync, readdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { setTier } from '../../src/accounts/subscriptions.ts';
import { getUser, listUsers } from '../../src/accounts/users.ts';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { eraseUser, finishErasing } from '../../src/jobs/erase-user.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { putFiles, ResultFiles } from '../../src/jobs/put-files.ts';
import { createDatabase } from '../support/database.ts';
import { filesWith, tablesWith as allTablesWith } from '../support/everywhere.ts';
import { temporaryDirectory } from '../support/files.ts';
import { startGate } from '../support/gate.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';
import { typed } from '../support/typed.ts';

const gate = await startGate();
const directory = await temporaryDirectory('erase');
const inDirectory = { PDF_STORE: `file://${directory}` };
const database = await createDatabase();
const worker = await startService({
  database,
  worker: true,
  env: { ...gate.env, ...inDirectory, PDFPROMPT_WORKER_CONCURRENCY: '4' },
});
const { base, sql } = worker;
const other = await startService({ database }); // another process, with the PDFs in Postgres
const adminKey = (await createKey(base.db, { email: 'ops@example.com', scopes: ['admin'] })).key;
const retentionMs = 3_600_000;
const held = { html: gate.html };

interface Person {
  id: string;
  email: string;
  key: string;
  /** what can be found of them, wherever it is */
  traces: string[];
}

/** Without the audit log, which keeps ids: who an id was, nobody can say any longer. */
async function tablesWith(texts: string[]): Promise<string[]> {
  const found = await allTablesWith(sql, texts);
  const emails = texts.filter((text) => text.includes('@'));
  expect(await allTablesWith(sql, emails)).not.toContainEqual(expect.stringMatching(/_audit:/));
  return found.filter((table) => !table.includes('pdfprompt_audit:'));
}

let count = 0;
async function person(): Promise<Person> {
  const email = `person-${count++}@example.com`;
  const key = await worker.newKey(email);
  const { id } = await getUser(base.db, { email });
  const [row] = await sql`select id, prefix, encode(hash, 'hex') as hash from pdfprompt_api_key where user_id = ${id}`;
  const { id: keyId, prefix, hash } = row as { id: string; prefix: string; hash: string };
  return { id, email, key, traces: [id, email, key, keyId, prefix, hash, `name of ${email}`] };
}

async function submit({ key, email }: Person, body: object, at: TestService = worker): Promise<string> {
  const named = { filename: `name of ${email}.pdf`, metadata: { of: `name of ${email}` } };
  const response = await at.request('/v1/jobs', { method: 'POST', key, body: JSON.stringify({ ...named, ...body }) });
  if (response.status !== 202) throw new Error(`answered ${response.status}`);
  return ((await response.json()) as Job).id;
}
const ended = ({ key }: Person, id: string) => worker.request(`/v1/jobs/${id}?wait=60`, { key });
const erase = (id: string) => worker.request(`/v1/admin/users/${id}`, { method: 'DELETE', key: adminKey });

/** All rows of a user, as a superuser sees them. */
const stateOf = async ({ id }: Person) =>
  sql`select to_jsonb(j) - '{status,is_queued,started_at,runs,attempts,worker_id}'::text[] as row from pdfprompt_job j where user_id = ${id}
    union all select to_jsonb(f) from pdfprompt_file f where user_id = ${id}
    union all select to_jsonb(k) - 'last_used_at' from pdfprompt_api_key k where user_id = ${id}
    union all select to_jsonb(u) from pdfprompt_usage_history u where user_id = ${id} order by 1`;
const fileIdsOf = async (jobId: string) =>
  (await sql<{ id: string }[]>`select id from pdfprompt_file where job_id = ${jobId}`).map(({ id }) => id);
const pdfsOf = (fileIds: string[]) =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => fileIds.some((id) => name.includes(id)));
const sums = async () =>
  (
    await sql`select coalesce(sum(completed), 0)::int as completed, coalesce(sum(pages), 0)::int as pages,
      coalesce(sum(bytes), 0)::int as bytes from pdfprompt_usage_erased`
  )[0] as { completed: number; pages: number; bytes: number };

describe('a user who is erased', () => {
  it('leaves nothing behind, with three jobs under way and others that wait, ended, failed', async () => {
    const [ann, bob] = [await person(), await person()];
    const done = [await submit(ann, { html: '<p>a</p>' }), await submit(bob, { html: '<p>b</p>' })];
    const failed = await submit(ann, { html: '<p>a</p>', options: { pageRanges: '9' } });
    for (const [index, id] of [...done, failed].entries()) await ended(index === 1 ? bob : ann, id);
    gate.shut();
    const running = [await submit(ann, held), await submit(ann, held), await submit(ann, held)];
    const bobs = await submit(bob, held);
    await eventually(() => gate.waiting === 4, 60_000, 'all four are being rendered');
    const waiting = [await submit(ann, { html: '<p>w</p>' }), await submit(bob, { html: gate.html })];
    const annsFiles = await fileIdsOf(done[0] as string);
    expect(pdfsOf([...annsFiles, ...(await fileIdsOf(done[1] as string))])).toHaveLength(2);
    const [before, was] = [await stateOf(bob), await sums()];
    const charged = await sql`select completed, pages, bytes from pdfprompt_usage_history where user_id = ${ann.id}`;

    // A template with its files in the directory, another with its files in the database, and a job with files.
    const files = (text: string) => ({ 'index.html': { text: `${text} of name of ${ann.email}` } });
    for (const [name, at] of Object.entries({ letter: worker, bill: other })) {
      const body = JSON.stringify({ files: files(name), description: `name of ${ann.email}` });
      expect((await at.request(`/v1/templates/${name}`, { method: 'PUT', key: ann.key, body })).status).toBe(201);
    }
    // Webhooks, one of which is deleted, with a test, and deliveries that wait.
    const ask = (method: string, path: string, body?: object) =>
      worker.request(path, { method, key: ann.key, ...(body && { body: JSON.stringify(body) }) });
    const hooks = [];
    for (const description of [`name of ${ann.email}`, 'deleted']) {
      const made = await ask('POST', '/v1/webhooks', { url: 'https://hooks.example.com/', description });
      const { id, secret } = (await made.json()) as { id: string; secret: string };
      ann.traces.push(id, secret);
      expect((await ask('POST', `/v1/webhooks/${id}/test`)).status).toBe(202);
      hooks.push(id);
    }
    expect((await ask('DELETE', `/v1/webhooks/${hooks[1]}`)).status).toBe(204);
    ann.traces.push(((await (await ask('GET', '/v1/webhooks/secret')).json()) as { secret: string }).secret);
    const reported = await submit(ann, { html: '<p>r</p>', webhook: hooks[0], upload: 'https://bucket.example.com/x' });
    expect((await ask('DELETE', `/v1/jobs/${reported}`)).status).toBe(200);
    expect(await tablesWith([reported])).toEqual(expect.arrayContaining([expect.stringMatching(/_delivery/)]));
    const withFiles = await submit(ann, { files: files('a job') });
    expect(filesWith([directory], ann.traces)).not.toEqual([]);
    expect(await tablesWith(ann.traces)).toEqual(expect.arrayContaining([expect.stringMatching(/asset_chunk/)]));

    expect((await erase(ann.id)).status).toBe(204);

    for (const at of [worker, other])
      await eventually(
        async () => (await at.request('/v1/usage', { key: ann.key })).status === 401,
        10_000,
        'every process has heard of it',
      );
    await eventually(() => gate.waiting <= 2, 30_000, 'the documents are given up');
    await eventually(() => logged('result discarded').length === 3, 30_000, 'the worker has said so');
    expect(await tablesWith(ann.traces)).toEqual([]);
    const jobs = [done[0] as string, failed, ...running, waiting[0] as string, withFiles, reported];
    expect(await tablesWith(jobs)).toEqual([]);
    expect(pdfsOf(annsFiles)).toEqual([]);
    const named = (await sql<{ id: string }[]>`select id from pdfprompt_file`).map(({ id }) => id);
    expect(pdfsOf(['']).filter((name) => name.endsWith('.pdf') && !named.some((id) => name.includes(id)))).toEqual([]);
    expect(filesWith([directory], [...ann.traces, ...jobs])).toEqual([]);
    expect(await stateOf(bob)).toEqual(before);
    const now = await sums();
    expect({
      completed: now.completed - was.completed,
      pages: now.pages - was.pages,
      bytes: now.bytes - was.bytes,
    }).toMatchObject({ completed: 1, pages: 1, bytes: Number(charged[0]?.bytes) });

    // Everybody else goes on, and from here on nobody says a word of it.
    const from = [worker.lines.length, other.lines.length] as const;
    gate.open();
    expect(await (await ended(bob, bobs)).json()).toMatchObject({ status: 'completed' });
    expect(await (await ended(bob, waiting[1] as string)).json()).toMatchObject({ status: 'completed' });
    await expire({ ...base, retentionMs });
    const later = [...worker.lines.slice(from[0]), ...other.lines.slice(from[1])].join('');
    expect([...ann.traces, ...jobs].filter((trace) => later.includes(trace))).toEqual([]);
    expect(await tablesWith([...ann.traces, ...jobs])).toEqual([]);

    expect((await erase(ann.id)).status).toBe(404);
    expect((await erase('nobody')).status).toBe(404);
  });

  const logged = (message: string) => worker.lines.filter((line) => line.includes(message));

  it('who asks for more all the while is refused, and nothing of it stays', async () => {
    const ann = await person();
    let accepted = 0;
    const answers = new Set<number>();
    const client = async (at: TestService) => {
      for (let status = 0; status !== 401;) {
        const body = JSON.stringify({ html: `<p>${'x'.repeat(accepted % 2 ? 70_000 : 7)}</p>` });
        status = (await at.request('/v1/jobs', { method: 'POST', key: ann.key, body })).status;
        answers.add(status);
        if (status === 202) accepted++;
      }
    };
    const clients = [worker, worker, other, other].map(client);
    await eventually(() => accepted >= 10, 60_000, 'some are accepted');
    // Among so many submissions it may not get its lock in time, and is asked for again.
    const statuses: number[] = [];
    do statuses.push((await erase(ann.id)).status);
    while (statuses.at(-1) === 503 && statuses.length < 20);
    expect(statuses.at(-1)).toBe(204);
    await Promise.all(clients);
    expect([...answers].toSorted((a, b) => a - b)).toEqual([202, 401]);
    await eventually(async () => (await tablesWith(ann.traces)).length === 0, 10_000, 'nothing of it is there');
    const [{ places } = {}] = await sql`
      select count(*)::int as places from pgboss.job b where not exists (select 1 from pdfprompt_job j where j.id = b.id)`;
    expect(places).toBe(0);
  });

  it('waits for a job that is locked, and for the files that it names', async () => {
    const ann = await person();
    gate.shut();
    const id = await submit(ann, { ...held, files: { 'a.css': { text: `of name of ${ann.email}` } } });
    await eventually(() => gate.waiting === 1, 60_000, 'it is being rendered');
    await sql.begin(async (tx) => {
      await tx`select 1 from pdfprompt_job where id = ${id} for update`;
      expect(await eraseUser(base, { id: ann.id }, { withinMs: 500 })).toMatchObject({ jobs: 0, isDone: false });
    });
    expect(await eraseUser(base, { id: ann.id })).toMatchObject({ jobs: 1, isDone: true });
    expect(await tablesWith(ann.traces)).toEqual([]);
    gate.open();
  });

  it('is continued by any worker if it is interrupted, and the user is not shown meanwhile', async () => {
    const ann = await person();
    await submit(ann, { html: '<p>x</p>' });
    expect(await eraseUser(base, { email: ann.email }, { withinMs: 0 })).toEqual({
      id: ann.id,
      jobs: 0,
      isDone: false,
    });
    await expect(getUser(base.db, { id: ann.id })).rejects.toMatchObject({ code: 'not_found' });
    await expect(setTier(base.db, { userId: ann.id, tier: 'starter' })).rejects.toMatchObject({ code: 'not_found' });
    expect((await listUsers(base.db, { limit: 100 })).data.map(({ id }) => id)).not.toContain(ann.id);
    expect(await tablesWith([ann.email])).toEqual(await tablesWith([`name of ${ann.email}`]));
    // The address is free: its new user is another one, and stays.
    const next = await createKey(base.db, { email: ann.email });
    expect(next.userId).not.toBe(ann.id);
    expect(await finishErasing(base)).toEqual([]); // the other process may still be running
    expect(await finishErasing(base, { settledSeconds: 0 })).toMatchObject([{ id: ann.id, isDone: true }]);
    expect(await tablesWith([ann.id, `name of ${ann.email}`])).toEqual([]);
    expect((await getUser(base.db, { email: ann.email })).id).toBe(next.userId);
    expect(await finishErasing(base, { settledSeconds: 0 })).toEqual([]);
  });

  it('loses PDFs too that cannot be reached when it is erased, and what is put only then', async () => {
    const ann = await person();
    const completed = await submit(ann, { html: '<p>x</p>' });
    await ended(ann, completed);
    const files = await fileIdsOf(completed);
    gate.shut();
    const underWay = await submit(ann, held);
    await eventually(() => gate.waiting === 1, 60_000, 'it is being rendered');
    const [row] = await sql<{ run: number }[]>`select runs as run from pdfprompt_job where id = ${underWay}`;
    const result = new ResultFiles(doneWith(new TextEncoder().encode('%PDF-1.7')));
    await putFiles(base, { id: underWay, run: row?.run ?? 0 }, result); // by a run that dies before its commit
    files.push(...result.files.map(({ id }) => id));
    await rename(directory, `${directory}.away`);
    expect(await eraseUser(other.base, { id: ann.id })).toMatchObject({ jobs: 2, isDone: true });
    expect(await tablesWith(ann.traces)).toEqual([]);
    await expire({ ...other.base, retentionMs });
    await rename(`${directory}.away`, directory);
    expect(pdfsOf(files)).toHaveLength(2);
    await sql`update pdfprompt_unowned_file set remove_after = now()`; // as an hour later, for the put
    await expire({ ...other.base, retentionMs }); // whatever its own PDF_STORE is
    expect(pdfsOf(files)).toEqual([]);
    // The worker's own cleaning may have had one in hand: it forgets a file after it has removed it.
    const areForgotten = async () => (await sql`select 1 from pdfprompt_unowned_file`).length === 0;
    await eventually(areForgotten, 10_000, 'they are forgotten');
    gate.open();
  });

  it('with more jobs than are erased at once, takes them in batches that lock nobody out', async () => {
    const [ann, bob] = [await person(), await person()];
    const id = await submit(ann, { html: '<p>x</p>' });
    await ended(ann, id);
    await sql`insert into pdfprompt_job (id, user_id, priority, request, status, completed_at)
      select gen_random_uuid(), user_id, priority, request, 'cancelled', now()
      from pdfprompt_job, generate_series(1, 3000) where id = ${id}`;
    const erasing = eraseUser(base, { id: ann.id });
    let isOver = false;
    void erasing.finally(() => (isOver = true));
    let between = 0;
    while (!isOver) {
      await submit(bob, { html: '<p>y</p>' });
      if (!isOver) between++;
    }
    expect(await erasing).toMatchObject({ jobs: 3_001, isDone: true });
    expect(between).toBeGreaterThan(0);
    expect(await tablesWith(ann.traces)).toEqual([]);
  });
});

describe('a worker that had the job of a user who is gone', () => {
  it('throws away its result', async () => {
    const { sql: own, base: alone } = quiet;
    const workerId = '01a20b1c-7e0d-7435-94b8-00000000000c';
    await own`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const key = await quiet.newKey('zoe@example.com');
    const { id: userId } = await getUser(alone.db, { email: 'zoe@example.com' });
    await quiet.request('/v1/jobs', { method: 'POST', key, body: '{"html":"x"}' });
    const [job] = await claimJobs(alone, { workerId, count: 1 });
    expect(await eraseUser(alone, { id: userId })).toMatchObject({ jobs: 1, isDone: true });
    const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
    expect(await finishJob({ ...alone, retentionMs }, job as ClaimedJob, done)).toBe('stale');
    expect(readdirSync(quietDirectory, { recursive: true }).filter((name) => String(name).endsWith('.pdf'))).toEqual(
      [],
    );
    expect(await allTablesWith(own, [userId])).toEqual([]);
  });
});

const quietDirectory = await temporaryDirectory('quiet');
const quiet = await startService({ env: { PDF_STORE: `file://${quietDirectory}` } });

describe('pdfprompt users delete', () => {
  const run = (...flags: string[]) =>
    typed(['users', 'delete', ...flags], { DATABASE_URL: database.url, ...inDirectory });

  it('erases the user of an email address', async () => {
    const ann = await person();
    const id = await submit(ann, { html: '<p>x</p>' });
    await ended(ann, id);
    const files = await fileIdsOf(id);
    expect(pdfsOf(files)).toHaveLength(1);
    const other = await person();
    const filters = [{ email: ann.email }, { email: ann.email.slice(0, -4) }, { user: ann.id }, { user: other.id }];
    for (const filter of filters)
      await sql`
        insert into pdfprompt_bulk_action (id, action, filter, status, expected, ended_at)
        values (gen_random_uuid(), 'retry', ${JSON.stringify(filter)}::text::jsonb, 'completed', 1, now())`;
    const asked = await run(ann.email);
    expect(asked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/Add --yes to confirm/) });
    expect((await getUser(base.db, { email: ann.email })).id).toBe(ann.id);
    const erased = await run(ann.email.toUpperCase(), '--yes', '--json');
    expect(erased).toMatchObject({ code: 0 });
    expect(JSON.parse(erased.stdout)).toEqual({ id: ann.id, jobs: 1 });
    expect(await tablesWith(ann.traces)).toEqual([]);
    expect((await sql`select filter from pdfprompt_bulk_action`).map(({ filter }) => filter as object)).toEqual([{ user: other.id }]); // prettier-ignore
    expect(pdfsOf(files)).toEqual([]);
    expect(existsSync(directory)).toBe(true);
    const again = await run(ann.email, '--yes');
    expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/there is no user person.*users list/) });
    expect(await run('nobody', '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/EMAIL: "nobody" is/),
    });
  });
});
