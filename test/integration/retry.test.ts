import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import { expire } from '../../src/jobs/expire.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

const service = await startService();
const { base, sql, request } = service;
const [ann, bob] = await createTenants(service, ['ann@a.example', 'bob@b.example']);
if (!ann || !bob) throw new Error('there are no tenants');

const retry = (id: string, key: string, headers: Record<string, string> = {}) =>
  request(`/v1/jobs/${id}/retry`, { method: 'POST', key, headers });
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];
const partsOf = (id: string) =>
  sql`select position, kind, content, data, shown, settings from pdfprompt_part where job_id = ${id} order by position`;
const documentOf = async (id: string) => (await partsOf(id))[0]?.content as string | null;

describe('POST /v1/jobs/{id}/retry', () => {
  it.each(['failed', 'cancelled'] as const)('makes a new job of one that has %s', async (status) => {
    const response = await retry(ann.jobs[status], ann.key);
    const job = (await response.json()) as Job;
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ status: 'queued', attempts: 0, metadata: { owner: ann.email }, error: null });
    expect(job.id).not.toBe(ann.jobs[status]);
    const [old, made] = await Promise.all(
      [ann.jobs[status], job.id].map(
        async (id) =>
          (
            await sql`select request, filename, metadata, priority, tier, keeps_parts from pdfprompt_job where id = ${id}`
          )[0],
      ),
    );
    expect(made).toEqual(old);
    expect([...(await partsOf(job.id))]).toEqual([...(await partsOf(ann.jobs[status]))]);
    expect(await documentOf(job.id)).toBe(`<p>${ann.email}</p>`);
    const before = (await (await request(`/v1/jobs/${ann.jobs[status]}`, { key: ann.key })).json()) as Job;
    expect(before.status).toBe(status);
  });

  it('keeps everything that was asked for', async () => {
    const body = {
      url: 'https://example.com/',
      filename: 'x.pdf',
      priority: 'low',
      options: { format: 'A5', margin: { top: '1cm' } },
      cookies: [{ name: 'a', value: 'b' }],
      metadata: { order: 1 },
    };
    const { id } = (await (
      await request('/v1/jobs', { method: 'POST', key: ann.key, body: JSON.stringify(body) })
    ).json()) as Job;
    await request(`/v1/jobs/${id}`, { method: 'DELETE', key: ann.key });
    const again = (await (await retry(id, ann.key)).json()) as Job;
    const stored = (which: string) =>
      sql`select request, content, shown, filename, metadata, priority
        from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id where j.id = ${which}`;
    expect([...(await stored(again.id))]).toEqual([...(await stored(id))]);
    expect(again.priority).toBe('low');
  });

  it('makes one job with an Idempotency-Key', async () => {
    const headers = { 'Idempotency-Key': 'retry-1' };
    const first = await retry(ann.jobs.failed, ann.key, headers);
    const second = await retry(ann.jobs.failed, ann.key, headers);
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(await second.json()).toMatchObject({ id: ((await first.json()) as Job).id });
  });

  it.each(['queued', 'processing', 'completed'] as const)('refuses one that is %s', async (status) => {
    expect(await codeOf(await retry(bob.jobs[status], bob.key))).toEqual([409, 'job_not_retryable']);
  });

  it("knows no job of another's", async () => {
    expect(await codeOf(await retry(bob.jobs.failed, ann.key))).toEqual([404, 'not_found']);
    expect(await codeOf(await retry('nothing', ann.key))).toEqual([404, 'not_found']);
  });

  it("is one more request within the tier's limits", async () => {
    const { key } = await createKey(base.db, { email: 'dan@d.example', tier: 'starter' });
    const { id } = (await (await request('/v1/jobs', { method: 'POST', key, body: '{"html":"x"}' })).json()) as Job;
    await request(`/v1/jobs/${id}`, { method: 'DELETE', key });
    const second = await retry(id, key);
    expect([second.status, second.headers.get('ratelimit')]).toEqual([202, expect.stringMatching(/"minute";r=0/)]);
    const third = await retry(id, key);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(third)).toEqual([429, 'rate_limited']);
  });
});

describe('the document', () => {
  it('goes with the PDF, and is kept without one for as long as one would have been', async () => {
    const retentionMs = 3_600_000;
    expect(await documentOf(bob.jobs.completed)).toBeNull();
    await expire({ ...base, retentionMs });
    expect(await documentOf(bob.jobs.failed)).toBe(`<p>${bob.email}</p>`);
    expect(await documentOf(bob.jobs.cancelled)).toBe(`<p>${bob.email}</p>`);
    await sql`update pdfprompt_job set completed_at = now() - interval '61 minutes' where id in ${sql([bob.jobs.failed, bob.jobs.cancelled])}`;
    expect(await expire({ ...base, retentionMs })).toMatchObject({ documents: 2 });
    expect([await documentOf(bob.jobs.failed), await documentOf(bob.jobs.cancelled)]).toEqual([null, null]);
    expect(await documentOf(bob.jobs.queued)).not.toBeNull();
    expect(await codeOf(await retry(bob.jobs.failed, bob.key))).toEqual([409, 'job_not_retryable']);
    expect(await expire({ ...base, retentionMs })).toMatchObject({ documents: 0 });
  });
});
