import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { openCompletedJobs } from '../support/completed-jobs.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { S3Server } from '../support/s3-server.ts';
import { startService } from '../support/service.ts';

const directory = await temporaryDirectory('deleted');
const bucket = await S3Server.start();
const database = await createDatabase();
const { sql } = database;
const s3 = { PDF_STORE: `s3://${bucket.bucket}/pdfs`, ...bucket.env };
/** Processes with one database, which put new PDFs into different stores. */
const services = {
  postgres: await startService({ database, env: { ...bucket.env } }),
  directory: await startService({ database, env: { ...bucket.env, PDF_STORE: `file://${directory}` } }),
  bucket: await startService({ database, env: s3 }),
};
const { postgres: service } = services;
const { key } = service;
const other = await service.newKey('bob@example.com');

/** Bytes that are anywhere. */
const kept = async () => ({
  postgres: (await sql`select 1 from pdfprompt_file_chunk`).length,
  directory: readdirSync(directory, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).length,
  bucket: bucket.objects.length,
});
const remove = (id: string, by = key, at = service) => at.request(`/v1/jobs/${id}/pdf`, { method: 'DELETE', key: by });
const statusOf = async (path: string, at = service) => (await at.request(path, { key })).status;
const usage = async () => (await (await service.request('/v1/usage', { key })).json()) as { today: unknown };

describe.each(Object.keys(services) as (keyof typeof services)[])('the files of a job in the %s', async (name) => {
  const at = services[name];
  const complete = await openCompletedJobs(at);

  it('are deleted at once by a process that puts its own elsewhere, and answer 410 in every process', async () => {
    const before = await kept();
    const id = await complete(['first', 'second'], { key });
    const link = (await (await at.request(`/v1/jobs/${id}/link`, { method: 'POST', key })).json()) as { url: string };
    const path = new URL(link.url).pathname;
    const used = await usage();
    // Every process knows the job.
    for (const each of Object.values(services)) expect(await statusOf(`/v1/jobs/${id}`, each)).toBe(200);
    expect(await kept()).toEqual({ ...before, [name]: before[name] + 2 });

    expect((await remove(id)).status).toBe(204);
    expect(await kept()).toEqual(before);
    expect(await sql`select 1 from pdfprompt_unowned_file`).toEqual([]);
    for (const each of Object.values(services)) {
      for (const file of ['pdf', 'files/0', 'files/1'])
        expect(await statusOf(`/v1/jobs/${id}/${file}`, each)).toBe(410);
      expect((await fetch(`${each.address}${path}`)).status).toBe(410);
      await expect
        .poll(async () => ((await (await each.request(`/v1/jobs/${id}`, { key })).json()) as Job).file?.url)
        .toBeNull();
    }
    expect(await usage()).toEqual(used);

    expect((await remove(id)).status).toBe(204); // the same again
    expect(service.lines.filter((line) => line.includes('pdf.deleted') && line.includes(id))).toHaveLength(2);
  });
});

describe('a PDF', () => {
  it('is deleted by nobody but its owner, and only where there is one', async () => {
    const complete = await openCompletedJobs(service);
    const id = await complete(['x'], { key });
    const queued = (await (
      await service.request('/v1/jobs', { method: 'POST', key, body: '{"html":"x"}' })
    ).json()) as Job;
    expect((await remove(id, other)).status).toBe(404);
    expect((await remove('nothing')).status).toBe(404);
    expect((await remove(queued.id)).status).toBe(409);
    const { db, queue, events } = service.base;
    const [{ user_id: userId } = { user_id: '' }] = await sql<{ user_id: string }[]>`
      select user_id from pdfprompt_job where id = ${id}`;
    await cancelJob({ db, queue, events }, { userId, jobId: queued.id, requestId: undefined });
    const retry = () => service.request(`/v1/jobs/${queued.id}/retry`, { method: 'POST', key });
    expect((await retry()).status).toBe(202);
    expect((await remove(queued.id)).status).toBe(204); // its document, that is
    const left = await sql`select content, data from pdfprompt_part where job_id = ${queued.id}`;
    expect([...left]).toEqual([{ content: null, data: null }]);
    expect(await (await retry()).json()).toMatchObject({ code: 'job_not_retryable' });
    expect(await statusOf(`/v1/jobs/${id}/pdf`)).toBe(200);
  });

  it('goes with what is shown of its source, and what allowed its upload', async () => {
    const complete = await openCompletedJobs(service);
    const id = await complete(['x'], { key });
    await sql`update pdfprompt_part set shown = 'https://x.example/secret' where job_id = ${id}`;
    await sql`update pdfprompt_job set url = 'https://x.example/secret', keeps_parts = true where id = ${id}`;
    await sql`
      insert into pdfprompt_delivery (id, user_id, job_id, kind, url, headers, host, status, ended_at)
      select gen_random_uuid(), user_id, id, 'upload', 'https://b.example/x?signature=1', '{"a": "b"}', 'b.example', 'delivered', now()
      from pdfprompt_job where id = ${id}`;
    await remove(id);
    const [row] = await sql`
      select j.url, j.keeps_parts, p.shown, d.url as target, d.headers from pdfprompt_job j
      join pdfprompt_part p on p.job_id = j.id join pdfprompt_delivery d on d.job_id = j.id where j.id = ${id}`;
    expect(row).toEqual({ url: null, keeps_parts: false, shown: null, target: 'https://b.example/x', headers: null });
  });

  it('is deleted once, however many ask at once', async () => {
    const complete = await openCompletedJobs(services.bucket);
    const id = await complete(['x'], { key });
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(id)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
    const counts = service.lines.filter((line) => line.includes('pdf.deleted') && line.includes(id));
    expect(counts.filter((line) => line.includes('"files":1'))).toHaveLength(1);
  });
});
