import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { forEachInSlots } from '../../src/kernel/for-each-in-slots.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { keyIdOf, signLink } from '../../src/links/link-token.ts';
import { openCompletedJobs } from '../support/completed-jobs.ts';
import { openOtlpReceiver } from '../support/otlp-receiver.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const receiver = await openOtlpReceiver();
// The exporter reads the environment itself.
vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url);
vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100');
const service = await startService({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
/** Another process with the same database. */
const other = await startService({ database: service, env: { PUBLIC_URL: 'https://pdf.example.com/' } });
const complete = await openCompletedJobs(service);

interface Made {
  url: string;
  expiresAt: string;
  file: number;
  disposition: string;
  via: string;
}
const ask = (id: string, wanted?: object, { key = service.key, at = service } = {}) =>
  at.request(`/v1/jobs/${id}/link`, { method: 'POST', key, ...(wanted && { body: JSON.stringify(wanted) }) });
async function linkTo(id: string, wanted?: object, options?: Parameters<typeof ask>[2]): Promise<Made> {
  const response = await ask(id, wanted, options);
  expect(response.status).toBe(201);
  return (await response.json()) as Made;
}
const tokenOf = ({ url }: Made) => url.split('/').at(-1) ?? '';
const open = (token: string, init: RequestInit = {}, { address } = service) =>
  fetch(`${address}/v1/links/${token}`, init);
const revoke = (id: string, key = service.key) =>
  service.request(`/v1/jobs/${id}/links`, { method: 'DELETE', key }).then(({ status }) => status);
const problemOf = async (response: Response) => {
  const { code, detail, errors } = (await response.json()) as { code: string; detail: string; errors?: unknown };
  return { status: response.status, code, detail, ...(errors !== undefined && { errors }) };
};
const NONE = { status: 404, code: 'not_found', detail: 'there is no such link' };
const text = 'the first of two';
const job = await complete([text, 'the second'], { filename: 'Rechnung für Ann.pdf' });
const big = await complete([new Uint8Array(12_000_000).fill(65)]);

describe('a link to a file', () => {
  it('is a URL that works without a key, for an hour', async () => {
    const before = Date.now();
    const made = await linkTo(job);
    expect(made).toEqual({
      url: expect.stringMatching(new RegExp(`^${service.address}/v1/links/[\\w-]{88}$`)),
      expiresAt: expect.any(String),
      file: 0,
      disposition: 'inline',
      via: 'service',
    });
    expect(made.url.length).toBeLessThan(130);
    // The file is kept for an hour, and was there before.
    const [row] = await service.sql<{ expires_at: Date }[]>`
      select expires_at from pdfprompt_file where job_id = ${job} and position = 0`;
    expect(new Date(made.expiresAt)).toEqual(row?.expires_at);
    const short = await linkTo(job, { expiresIn: 60 });
    expect(Date.parse(short.expiresAt) - before - 60_000).toBeLessThan(60_000);
    expect(Date.parse(short.expiresAt)).toBeGreaterThanOrEqual(before + 60_000);
    const response = await fetch(made.url);
    expect([response.status, await response.text()]).toEqual([200, text]);
  });

  it('has the headers of a file that is nobody else’s', async () => {
    const { headers } = await fetch((await linkTo(job)).url);
    const all = Object.fromEntries(headers);
    expect(all).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-disposition': `inline; filename="Rechnung f_r Ann.pdf"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Ann.pdf`,
      'content-length': String(text.length),
      'content-type': 'application/pdf',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-robots-tag': 'noindex',
    });
    // Nothing of the job, and what would break the browser's viewer is not there either.
    expect(Object.keys(all).filter((name) => /^(content-location|x-failed|content-security|set-cookie)/.test(name))).toEqual([]); // prettier-ignore
    expect(JSON.stringify(all)).not.toContain(job);
    const picture = await complete(['picture'], { type: 'image/png' });
    const shown = await fetch((await linkTo(picture)).url);
    expect(shown.headers.get('content-type')).toBe('image/png');
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('leads to the file that was asked for, as a download if asked', async () => {
    const made = await linkTo(job, { file: 1, disposition: 'attachment', expiresIn: null });
    expect(made).toMatchObject({ file: 1, disposition: 'attachment' });
    const response = await fetch(`${made.url}?utm_source=mail`);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="Rechnung f_r Ann-2.pdf"/);
    expect(await response.text()).toBe('the second');
  });

  it('knows HEAD, ranges and conditions', async () => {
    const { url } = await linkTo(big);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '12000000', '']);
    const etag = head.headers.get('etag') ?? '';
    const same = await fetch(url, { headers: { 'If-None-Match': etag } });
    expect([same.status, same.headers.get('cache-control')]).toEqual([304, 'private, no-cache']);
    const part = await fetch(url, { headers: { Range: 'bytes=1048570-1048589' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1048570-1048589/12000000']);
    expect(await part.text()).toBe('A'.repeat(20));
    const outside = await fetch(url, { headers: { Range: 'bytes=12000000-' } });
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */12000000']);
    const post = await fetch(url, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await (await fetch(url)).bytes()).length).toBe(12_000_000);
  });

  it('begins with where users reach the service', async () => {
    const made = await linkTo(job, {}, { at: other });
    expect(made.url).toMatch(/^https:\/\/pdf\.example\.com\/v1\/links\/[\w-]{88}$/);
    const headers = { 'X-Forwarded-Proto': 'https' };
    const forwarded = await service.request(`/v1/jobs/${job}/link`, { method: 'POST', headers });
    expect(((await forwarded.json()) as Made).url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v1\/links\//);
    // Each process knows the links of the other at once.
    expect((await open(tokenOf(made))).status).toBe(200);
    expect((await open(tokenOf(await linkTo(job)), {}, other)).status).toBe(200);
  });
});

describe('a link that is asked for in vain', () => {
  it.each([
    [{ expiresIn: 0 }, 'expiresIn', 'allowed: whole seconds from 1 to 604800 (7 days)'],
    [{ expiresIn: 604_801 }, 'expiresIn', 'allowed: whole seconds from 1 to 604800 (7 days)'],
    [{ expiresIn: 1.5 }, 'expiresIn', 'allowed: whole seconds from 1 to 604800 (7 days)'],
    [{ expiresIn: '1h' }, 'expiresIn', 'allowed: whole seconds from 1 to 604800 (7 days)'],
    [{ disposition: 'inlin' }, 'disposition', expect.stringContaining('inline')],
    [{ file: -1 }, 'file', 'allowed: the position of a file, from 0'],
    [{ file: 2 }, 'file', 'the job has no file 2; allowed: a place in GET /v1/jobs/{id}/files, from 0'],
    [{ via: 's3' }, 'via', expect.stringContaining('bucket')],
    [{ via: 'bucket' }, 'via', 'the file is not in a bucket; allowed: service'],
    [{ expires: 5 }, 'expires', expect.stringContaining('expiresIn')],
  ])('names what is wrong: %j', async (wanted, field, message) => {
    expect(await problemOf(await ask(job, wanted))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ field, message }],
    });
  });

  it('says that the job is not ready, or its file gone', async () => {
    const submitted = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
    const { id } = (await submitted.json()) as { id: string };
    expect(await problemOf(await ask(id))).toMatchObject({ status: 409, code: 'job_not_ready' });
    await service.request(`/v1/jobs/${id}`, { method: 'DELETE' });
    expect(await problemOf(await ask(id))).toMatchObject({ status: 409, code: 'job_not_ready' });
    const over = await complete(['over']);
    await service.sql`update pdfprompt_file set expires_at = now() where job_id = ${over}`;
    expect(await problemOf(await ask(over))).toMatchObject({ status: 410, code: 'file_expired' });
  });

  it('is of no job of another tenant, nor can that one revoke it', async () => {
    const key = await service.newKey('zoe@example.com');
    const made = await linkTo(job);
    expect(await problemOf(await ask(job, {}, { key }))).toMatchObject({ status: 404, code: 'not_found' });
    expect(await revoke(job, key)).toBe(404);
    expect(await revoke('nothing')).toBe(404);
    expect((await fetch(made.url)).status).toBe(200);
    expect((await service.request(`/v1/jobs/${job}/link`, { method: 'POST', key: null })).status).toBe(401);
    // The other's own, with a signature of the service, is of nothing that is theirs.
    const [row] = await service.sql<{ id: number; secret: Buffer; user_id: string }[]>`
      select k.id, k.secret, u.id as user_id from pdfprompt_link_key k, pdfprompt_user u where u.email = 'zoe@example.com'
      order by k.id desc limit 1`;
    const theirs = {
      userId: row?.user_id ?? '',
      jobId: job,
      position: 0,
      revocations: 0,
      expiresAt: Date.now() + 60_000,
    };
    const token = signLink(
      { ...theirs, disposition: 'inline' },
      { id: row?.id ?? 0, secret: row?.secret ?? Buffer.of() },
    );
    expect(await problemOf(await open(token))).toEqual(NONE);
  });
});

describe('a link that was changed', () => {
  it('is none: every bit, every length, every other key', async () => {
    const token = tokenOf(await linkTo(job));
    const bytes = Buffer.from(token, 'base64url');
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return changed.toString('base64url');
    });
    const [row] = await service.sql<{ id: number; secret: Buffer }[]>`select id, secret from pdfprompt_link_key`;
    const link = {
      userId: crypto.randomUUID(),
      jobId: job,
      position: 0,
      revocations: 0,
      expiresAt: Date.now() + 60_000,
    };
    const own = { id: row?.id ?? 0, secret: row?.secret ?? Buffer.of() };
    const changed = [
      ...flipped,
      ...Array.from({ length: token.length }, (_, length) => token.slice(0, length)).filter(Boolean),
      ...Array.from({ length: token.length }, (_, at) => token.slice(at + 1)).filter(Boolean),
      ...['=', 'A', '%00', '%2e', '/', '/x', '%0a', token].map((end) => token + end),
      '%ff', '..%2f..%2fetc', '-'.repeat(88), 'A'.repeat(88), 'A'.repeat(10_000),
      // By a key that was never the service's, and of a user who is not there.
      signLink({ ...link, disposition: 'inline' }, { ...own, secret: Buffer.alloc(32) }),
      signLink({ ...link, disposition: 'inline' }, { ...own, id: own.id + 1 }),
      signLink({ ...link, disposition: 'inline' }, own),
      signLink({ ...link, disposition: 'inline', revocations: 2 ** 32 - 1, position: 32_767 }, own),
    ]; // prettier-ignore
    const statuses: [string, number][] = [];
    await forEachInSlots(changed, 64, async (each) => {
      const response = await open(each);
      await response.arrayBuffer();
      statuses.push([each, response.status]);
    });
    expect(statuses.length).toBeGreaterThan(700);
    expect(statuses.filter(([, status]) => status !== 404)).toEqual([]);
    expect((await open(token)).status).toBe(200);
  }, 60_000);

  it('is not looked for in the database', async () => {
    const [link, forged] = [tokenOf(await linkTo(job)), `${tokenOf(await linkTo(job)).slice(0, -4)}AAAA`];
    const statements = async () => {
      const { body } = await service.base.events.metrics.text();
      return Number(/_query_duration_seconds_count\{pool="reads"\} (\d+)/.exec(body)?.[1] ?? 0);
    };
    const before = await statements();
    const statuses = new Set<number>();
    await forEachInSlots(Array<string>(500).fill(forged), 20, async (each) => {
      statuses.add((await open(each)).status);
    });
    expect([...statuses]).toEqual([404]);
    expect(await statements()).toBe(before);
    expect((await open(link)).status).toBe(200);
    expect(await statements()).toBeGreaterThan(before);
  });
});

describe('a link that ends', () => {
  it('says that it has expired', async () => {
    const made = await linkTo(job, { expiresIn: 1 });
    await eventually(async () => Date.now() > Date.parse(made.expiresAt), 10_000, 'its second is over');
    const response = await fetch(made.url);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await problemOf(response)).toMatchObject({ status: 410, code: 'link_expired' });
  });

  it('ends with the file, and with the user', async () => {
    const key = await service.newKey('erased@example.com');
    const expiring = await complete(['1'], { key });
    const kept = await complete(['2'], { key });
    const links = [await linkTo(expiring, {}, { key }), await linkTo(kept, {}, { key })] as const;
    await service.sql`update pdfprompt_file set expired_at = now() where job_id = ${expiring}`;
    expect(await problemOf(await fetch(links[0].url))).toMatchObject({ status: 410, code: 'file_expired' });
    expect((await fetch(links[1].url)).status).toBe(200);
    await eraseUser(service.base, { email: 'erased@example.com' });
    for (const { url } of links) expect(await problemOf(await fetch(url))).toEqual(NONE);
  });

  it('ends when it is revoked, and those of a moment later do not', async () => {
    const older = await linkTo(job, { file: 1 });
    const elsewhere = await linkTo(big);
    for (let turn = 0; turn < 20; turn++) {
      const before = await linkTo(job);
      expect(await revoke(job)).toBe(204);
      const after = tokenOf(await linkTo(job));
      expect(await problemOf(await open(tokenOf(before)))).toEqual(NONE);
      expect(await problemOf(await open(tokenOf(before), {}, other))).toEqual(NONE);
      expect([(await open(after)).status, (await open(after, {}, other)).status]).toEqual([200, 200]);
    }
    expect(await problemOf(await fetch(older.url))).toEqual(NONE);
    expect((await fetch(elsewhere.url)).status).toBe(200);
  });
});

describe('who opens links', async () => {
  /** A tenant may have half of them. */
  const small = await startService({ database: service, env: { HTTP_MAX_CONNECTIONS: '480' } });

  /** Requests whose answers nobody reads. */
  async function hang(token: string, count: number) {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(Number(new URL(small.address).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write(`GET /v1/links/${token} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await once(socket, 'readable');
        return socket;
      }),
    );
  }

  it('takes of the share of the tenant whose file it is, and of nobody else’s', async () => {
    const key = await service.newKey('popular@example.com');
    const popular = await complete([new Uint8Array(12_000_000).fill(66)], { key });
    const token = tokenOf(await linkTo(popular, {}, { key }));
    const own = tokenOf(await linkTo(job));
    // Twenty megabytes in memory, two for each: the others wait.
    const sockets = await hang(token, 10);
    const waiting = Array.from({ length: 20 }, () => open(token, {}, small));
    const isRefused = async () => (await open(token, { method: 'HEAD' }, small)).status === 429;
    await eventually(isRefused, 20_000, 'no more of theirs is taken');
    expect((await open(own, {}, small)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    const sizes = await Promise.all(waiting.map(async (answer) => (await (await answer).bytes()).length));
    expect(sizes).toEqual(Array(20).fill(12_000_000));
    await eventually(async () => small.underWay.isIdle, 20_000, 'nothing is held any longer');
  }, 60_000);

  it('leaves no link in logs, traces and metrics', async () => {
    const tokens = [tokenOf(await linkTo(job)), tokenOf(await linkTo(job))];
    for (const token of tokens) {
      await open(token, { headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } });
      await open(`${token}x`);
      await open(`${token}/x`);
      await open(token, { method: 'PUT' });
    }
    const names = () => receiver.spans.filter(({ attributes }) => attributes['url.path'] === '/v1/links/{token}');
    await eventually(async () => names().length >= 6, 30_000, 'the spans have come');
    expect(names().map(({ name }) => name)).toContain('GET /v1/links/{token}');
    const { body: metrics } = await service.base.events.metrics.text();
    expect(metrics).toMatch(/route="GET \/v1\/links\/\{token\}"/);
    const lines = service.lines.join('\n');
    expect(lines).toMatch(/"route":"\/v1\/links\/\{token\}"/);
    for (const where of [lines, metrics, receiver.raw()])
      for (const token of tokens) expect(where.includes(token.slice(0, 80))).toBe(false);
  }, 60_000);

  it('is told in the log by who made it, and when it was revoked', async () => {
    const made = await linkTo(job, { file: 1 });
    await revoke(job);
    const lineOf = (event: string) =>
      JSON.parse(service.lines.findLast((line) => line.includes(`"event":"${event}"`)) ?? '{}') as object;
    const about = { jobId: job, userId: expect.any(String), requestId: expect.any(String), level: 'info' };
    expect(lineOf('link.created')).toMatchObject({ ...about, file: 1, via: 'service', expiresAt: made.expiresAt });
    expect(lineOf('links.revoked')).toMatchObject(about);
    expect(keyIdOf(tokenOf(made))).toBeGreaterThan(0);
  });
});
