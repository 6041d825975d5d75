import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { S3Server } from '../support/s3-server.ts';
import { startService } from '../support/service.ts';

const server = await S3Server.start();
const env = { PDF_STORE: `s3://${server.bucket}/pdfs`, ...server.env };
const service = await startService({ worker: true, env });
const submitted = await service.request('/v1/jobs', {
  method: 'POST',
  body: JSON.stringify({ html: '<p>in a bucket</p>', filename: 'Rechnung für Ann (1).pdf' }),
});
const { id } = (await submitted.json()) as Job;
await service.request(`/v1/jobs/${id}?wait=60`);
const pdf = Buffer.from(await (await service.request(`/v1/jobs/${id}/pdf`)).bytes());

const linkTo = async (wanted: object) => {
  const response = await service.request(`/v1/jobs/${id}/link`, { method: 'POST', body: JSON.stringify(wanted) });
  expect(response.status).toBe(201);
  return (await response.json()) as { url: string; expiresAt: string };
};

describe('a link of the bucket', () => {
  it('is a URL of the bucket, which sends the file by its name, in parts too', async () => {
    const { url, expiresAt } = await linkTo({ via: 'bucket', expiresIn: 600, disposition: 'attachment' });
    expect(url.startsWith(`${server.address}/${server.bucket}/pdfs/`)).toBe(true);
    const query = new URL(url).searchParams;
    expect(query.get('X-Amz-Expires')).toBe('600');
    const since = query.get('X-Amz-Date')?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5') ?? '';
    expect(Date.parse(expiresAt) - Date.parse(since)).toBe(600_000);
    const response = await fetch(url);
    expect(Buffer.from(await response.bytes()).equals(pdf)).toBe(true);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="Rechnung f_r Ann (1).pdf"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Ann%20%281%29.pdf`,
    );
    const part = await fetch(url, { headers: { Range: 'bytes=0-4' } });
    expect([part.status, await part.text()]).toEqual([206, '%PDF-']);
  });

  it('cannot be changed', async () => {
    const { url } = await linkTo({ via: 'bucket' });
    for (const [what, by] of [
      ['X-Amz-Expires=3', 'X-Amz-Expires=4'],
      ['response-content-type=application%2Fpdf', 'response-content-type=text%2Fhtml'],
      ['X-Amz-Signature=', 'X-Amz-Signature=0'],
    ] as const) {
      expect(url).toContain(what);
      const { status } = await fetch(url.replace(what, by));
      expect([what, status]).toEqual([what, 403]);
    }
  });

  it('ends with the file, and before it has begun there is none', async () => {
    const { expiresAt } = await linkTo({ via: 'bucket', expiresIn: 604_800 });
    const [row] = await service.sql<{ at: Date }[]>`select expires_at as at from pdfprompt_file where job_id = ${id}`;
    const left = (row?.at.getTime() ?? 0) - Date.parse(expiresAt);
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left).toBeLessThan(604_800_000);
    await service.sql`update pdfprompt_file set expires_at = now() where job_id = ${id}`;
    const late = await service.request(`/v1/jobs/${id}/link`, { method: 'POST', body: '{"via":"bucket"}' });
    expect(late.status).toBe(410);
    await service.sql`update pdfprompt_file set expires_at = now() + interval '1 hour' where job_id = ${id}`;
  });

  it('is in no log', async () => {
    await linkTo({ via: 'bucket' });
    const lines = service.lines.join('\n');
    expect(lines).toContain('"via":"bucket"');
    expect(lines).not.toContain('X-Amz-Signature');
  });

  it('is one choice: the service sends the same file', async () => {
    const { url } = await linkTo({ via: 'service' });
    expect(url.startsWith(service.address)).toBe(true);
    expect(Buffer.from(await (await fetch(url)).bytes()).equals(pdf)).toBe(true);
  });
});
