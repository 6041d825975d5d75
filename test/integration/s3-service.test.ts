import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { expire } from '../../src/jobs/expire.ts';
import { eventually } from '../support/processes.ts';
import { S3Server } from '../support/s3-server.ts';
import { startService } from '../support/service.ts';

const server = await S3Server.start();
const env = { PDF_STORE: `s3://${server.bucket}/pdfs`, ...server.env };
const service = await startService({ worker: true, env });
const { base, sql, request, lines } = service;

const submitted = async (text: string, key = service.key) => {
  const body = JSON.stringify({ html: `<p>${text}</p>` });
  return ((await (await request('/v1/jobs', { method: 'POST', key, body })).json()) as Job).id;
};
const completed = async (ids: string[]) => {
  const areDone = async () =>
    (await sql`select 1 from pdfprompt_job where id in ${sql(ids)} and status = 'completed'`).length === ids.length;
  await eventually(areDone, 60_000, 'they are done');
};
const keyOf = async (id: string) => {
  const [row] = await sql<{ id: string; store: string; location: string }[]>`
    select id, store, location from pdfprompt_file where job_id = ${id}`;
  expect(row).toMatchObject({ store: 's3', location: env.PDF_STORE });
  return `pdfs/${row?.id}.pdf`;
};

describe('an API whose bucket cannot be reached', () => {
  const start = async (status: number, code: string) => {
    const end = server.fault({ kind: 'error', status, code });
    return startService({ env }).finally(end);
  };

  it('starts, accepts jobs, and says so in the log', async () => {
    const api = await start(503, 'SlowDown');
    const body = JSON.stringify({ html: '<p>x</p>' });
    expect((await api.request('/v1/jobs', { method: 'POST', body })).status).toBe(202);
    expect(api.lines.join('\n')).toContain('checking PDF_STORE');
  });

  it('does not start with settings that are wrong', async () => {
    await expect(start(403, 'SignatureDoesNotMatch')).rejects.toThrow(/set AWS_SECRET_ACCESS_KEY/);
  });
});

describe('a service with its PDFs in a bucket', () => {
  it('keeps them there, and gives them back, whole and in part', async () => {
    const id = await submitted('in a bucket');
    await completed([id]);
    expect(server.objects).toContain(await keyOf(id));
    const pdf = Buffer.from(await (await request(`/v1/jobs/${id}/pdf`)).bytes());
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    for (const [range, first, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-199', 100, 200],
      ['bytes=-7', pdf.length - 7, pdf.length],
    ] as const) {
      const part = await request(`/v1/jobs/${id}/pdf`, { headers: { range } });
      expect([part.status, Buffer.from(await part.bytes()).equals(pdf.subarray(first, end))]).toEqual([206, true]);
    }
    const head = await request(`/v1/jobs/${id}/pdf`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(pdf.length));
  });

  it('says when they cannot be reached', async () => {
    const id = await submitted('out of reach');
    await completed([id]);
    const end = server.fault(
      { kind: 'error', status: 403, code: 'AccessDenied' },
      { of: ({ method }) => method === 'GET' },
    );
    const answer = await request(`/v1/jobs/${id}/pdf`);
    end();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await request(`/v1/jobs/${id}/pdf`)).status).toBe(200);
  });

  it('removes what has expired', async () => {
    const id = await submitted('expires');
    await completed([id]);
    const key = await keyOf(id);
    await sql`update pdfprompt_file set expires_at = now() where job_id = ${id}`;
    await expire({ ...base, retentionMs: 60_000 });
    expect((await request(`/v1/jobs/${id}/pdf`)).status).toBe(410);
    expect(server.objects).not.toContain(key);
  });

  it('removes what was a user, when the bucket can be reached again', async () => {
    const email = 'erased@example.com';
    const ids = await Promise.all([submitted('one', await service.newKey(email)), submitted('of another')]);
    await completed(ids);
    const [gone = '', kept = ''] = await Promise.all(ids.map(keyOf));
    const end = server.fault(
      { kind: 'error', status: 503, code: 'SlowDown' },
      { of: ({ method }) => method === 'DELETE' },
    );
    await eraseUser(base, { email });
    expect(server.objects).toContain(gone);
    end();
    await eventually(
      async () => {
        await expire({ ...base, retentionMs: 60_000 });
        return !server.objects.includes(gone);
      },
      20_000,
      'it is removed',
    );
    expect(server.objects).toContain(kept);
  });

  it('renders nothing twice because the bucket is too busy for a while', async () => {
    const before = server.objects.length;
    const end = server.fault(
      { kind: 'error', status: 503, code: 'SlowDown' },
      { of: ({ method }) => method === 'PUT' },
    );
    const ids = await Promise.all(['1', '2', '3'].map((text) => submitted(text)));
    const store = () => base.health.readiness().find(({ name }) => name === 'store');
    await eventually(() => store()?.status === 'failing', 30_000, 'it says so');
    expect(store()?.reason).toContain('SlowDown');
    expect(server.objects.length).toBe(before);
    end();
    await completed(ids);
    const runs = await sql`select runs, attempts, losses from pdfprompt_job where id in ${sql(ids)} and runs > 0`;
    const rendered = await sql`select job_id from pdfprompt_job_attempt where job_id in ${sql(ids)}`;
    expect(rendered.length).toBe(ids.length);
    expect(runs.map((row) => ({ ...row }))).toEqual(ids.map(() => ({ runs: 1, attempts: 1, losses: 0 })));
    expect(server.objects.length).toBe(before + ids.length);
    for (const id of ids) expect((await request(`/v1/jobs/${id}/pdf`)).status).toBe(200);
    expect(store()).toMatchObject({ status: 'ok' });
  });

  it('tells nobody its secret', () => {
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => /AWS4-HMAC|authorization: AWS/i.test(line))).toEqual([]);
  });
});
