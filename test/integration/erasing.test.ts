import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

const { base, sql, request } = await startService();
const retentionMs = 3_600_000;
const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000d';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

async function submit(body: object, headers: Record<string, string> = {}): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', headers, body: JSON.stringify(body) });
  expect(response.status).toBeLessThan(300);
  return ((await response.json()) as Job).id;
}

async function claim(): Promise<ClaimedJob> {
  const [job] = await claimJobs(base, { workerId, count: 1 });
  if (!job) throw new Error('nothing to claim');
  return job;
}

describe('the credentials of a request', () => {
  const SECRET = 'RED-SECRET';
  const ofUrl = {
    url: `https://example.com/invoice?token=${SECRET}#${SECRET}`,
    cookies: [{ name: 'a', value: SECRET }],
    setExtraHTTPHeaders: { Authorization: SECRET },
  };
  const ofHtml = {
    ...ofUrl,
    url: undefined,
    html: `<p>${SECRET}</p>`,
    cookies: [{ name: 'a', value: SECRET, domain: 'x' }],
  };
  const isKept = async (id: string) =>
    (
      await sql`select concat(j, (select string_agg(p::text, '') from pdfprompt_part p where p.job_id = j.id))
        like ${`%${SECRET}%`} as kept from pdfprompt_job j where id = ${id}`
    )[0]?.kept as boolean;
  const endings = {
    completed: async () => finishJob({ ...base, retentionMs }, await claim(), done),
    failed: async () =>
      finishJob({ ...base, retentionMs }, await claim(), { kind: 'reject', code: 'print_failed', message: 'x' }),
    cancelled: async (id: string) => request(`/v1/jobs/${id}`, { method: 'DELETE' }),
  };
  let count = 0;

  it.each(
    (['completed', 'failed', 'cancelled'] as const).flatMap((status) =>
      [ofUrl, ofHtml].map((body) => ({ status, of: 'html' in body ? 'html' : 'url', body })),
    ),
  )('goes with the document: $status, of $of', async ({ status, body }) => {
    const headers = { 'Idempotency-Key': `secret-${count++}` };
    const id = await submit(body, headers);
    expect(await isKept(id)).toBe(true);
    await endings[status](id);
    // At once if there is a PDF, or else with the time for which it can be asked for again.
    expect(await isKept(id)).toBe(status !== 'completed');
    await expire({ ...base, retentionMs });
    expect(await isKept(id)).toBe(status !== 'completed');
    await sql`update pdfprompt_job set completed_at = now() - interval '61 minutes' where id = ${id}`;
    await expire({ ...base, retentionMs });
    expect(await isKept(id)).toBe(false);
    const [row] = await sql`
      select keeps_parts, request ? 'options' as has_options, content, data, shown
      from pdfprompt_job join pdfprompt_part on job_id = id where id = ${id}`;
    expect(row).toEqual({ keeps_parts: false, has_options: true, content: null, data: null, shown: null });

    // The same body is still recognised, another one is refused, and there is nothing to retry.
    expect(await submit(body, headers)).toBe(id);
    const other = JSON.stringify({ ...body, cookies: undefined });
    expect((await request('/v1/jobs', { method: 'POST', headers, body: other })).status).toBe(422);
    expect((await request(`/v1/jobs/${id}/retry`, { method: 'POST' })).status).toBe(409);
  });

  it('is what a job began with, however often it is tried', async () => {
    const id = await submit(ofUrl);
    const first = await claim();
    await finishJob({ ...base, retentionMs }, first, { kind: 'interrupted' });
    const again = await claim();
    expect(again).toMatchObject({ id, parts: first.parts });
    expect(again.parts[0]?.cookies?.[0]?.value).toBe(SECRET);
    await finishJob({ ...base, retentionMs }, again, done);
    const [row] = await sql`select shown from pdfprompt_part where job_id = ${id}`;
    expect(row).toEqual({ shown: 'https://example.com/invoice' }); // without query and fragment
  });

  it('goes also from jobs that a version completed which left it', async () => {
    const id = await submit(ofHtml);
    await endings.completed();
    await sql`update pdfprompt_job set request = request || ${JSON.stringify({ cookies: ofUrl.cookies })}::text::jsonb,
      completed_at = now() - interval '61 minutes' where id = ${id}`;
    expect(await isKept(id)).toBe(true);
    await expire({ ...base, retentionMs });
    expect(await isKept(id)).toBe(false);
  });
});
