import { afterAll, describe, expect, it } from 'vitest';
import { createOpsApp } from '../../src/http/ops.ts';
import { HttpServer } from '../../src/http/server.ts';
import { Health, type HealthCheck } from '../../src/kernel/health.ts';
import { Lifecycle, ServiceGroup } from '../../src/kernel/lifecycle.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** Milliseconds after which a question to the database is given up: a probe that waited for one would take as long. */
const WAITED_MS = 2_000;

interface Answer {
  status: number;
  ms: number;
  retryAfter: string | null;
  body: { status: string | number; code?: string; detail?: string; checks: HealthCheck[] };
}

async function probe(address: string, path: string): Promise<Answer> {
  const startedAt = performance.now();
  const response = await fetch(`${address}${path}`);
  const body = (await response.json()) as Answer['body'];
  const ms = performance.now() - startedAt;
  return { status: response.status, ms, retryAfter: response.headers.get('retry-after'), body };
}

const checkOf = ({ body }: Answer, name: string) => body.checks.find((check) => check.name === name);

async function startBehindProxy(): Promise<{ service: TestService; proxy: TcpProxy }> {
  const database = await createDatabase();
  const url = new URL(database.url);
  const proxy = await TcpProxy.open(Number(url.port));
  afterAll(() => proxy.close());
  url.port = String(proxy.port);
  return { proxy, service: await startService({ database: { ...database, url: url.href } }) };
}

describe('/readyz', () => {
  it('says what it rests on, and since when', async () => {
    const { address } = await startService();
    const answer = await probe(address, '/readyz');
    expect(answer).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(answer.body.checks.map(({ name, status }) => [name, status])).toEqual([
      ['startup', 'ok'],
      ['shutdown', 'ok'],
      ['database', 'ok'],
    ]);
    for (const { since } of answer.body.checks) expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
  });

  it.concurrent('is not changed by one answer of the database that does not come, and waits for none', async () => {
    const { service, proxy } = await startBehindProxy();
    const isReady = async () => (await probe(service.address, '/readyz')).status === 200;
    await eventually(isReady, 30_000, 'it is ready');
    proxy.silence();
    const silentAt = performance.now();
    // Longer than any question waits for its answer, shorter than three of them do.
    const times: number[] = [];
    while (performance.now() - silentAt < 4_000) {
      const answer = await probe(service.address, '/readyz');
      expect(answer.status).toBe(200);
      times.push(answer.ms);
    }
    expect(Math.min(...times)).toBeLessThan(WAITED_MS);
    proxy.resume();
    expect(service.lines.filter((line) => line.includes('database.unavailable'))).toEqual([]);
  });

  it.concurrent(
    'fails within ten seconds of an outage, says why and since when, and is back at once',
    async () => {
      const { service, proxy } = await startBehindProxy();
      const { address, lines } = service;
      await eventually(async () => (await probe(address, '/readyz')).status === 200, 30_000, 'it is ready');
      const before = Date.now();
      proxy.silence();
      await eventually(async () => (await probe(address, '/readyz')).status === 503, 30_000, 'it is not ready');
      const answer = await probe(address, '/readyz');
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: '1',
        body: { status: 503, code: 'unavailable', detail: 'the database does not answer' },
      });
      const times: number[] = [];
      for (let count = 0; count < 5; count++) times.push((await probe(address, '/readyz')).ms);
      expect(Math.min(...times)).toBeLessThan(WAITED_MS);
      expect(checkOf(answer, 'database')).toMatchObject({ status: 'failing', reason: 'the database does not answer' });
      expect(Date.parse(checkOf(answer, 'database')?.since ?? '')).toBeGreaterThan(before);
      expect((await probe(address, '/livez')).status).toBe(200); // a new process would not help
      expect((await probe(address, '/startupz')).status).toBe(200);
      proxy.resume();
      await eventually(async () => (await probe(address, '/readyz')).status === 200, 30_000, 'it is ready again');
      const told = lines
        .map((line) => (JSON.parse(line) as { msg: string }).msg)
        .filter((msg) => /database is/.test(msg));
      expect(told).toEqual(['the database is unavailable', 'the database is available again']);
    },
    90_000,
  );

  it('fails at once while the process drains', async () => {
    const service = await startService();
    await eventually(async () => (await probe(service.address, '/readyz')).status === 200, 30_000, 'it is ready');
    service.base.health.drain();
    const answer = await probe(service.address, '/readyz');
    expect(answer).toMatchObject({ status: 503, body: { detail: 'this process is shutting down' } });
    expect((await probe(service.address, '/livez')).status).toBe(200);
  });
});

class Slow extends Lifecycle {
  readonly begun = Promise.withResolvers<void>();
  readonly go = Promise.withResolvers<void>();

  protected async onStart(): Promise<void> {
    this.begun.resolve();
    await this.go.promise;
  }

  protected override async onStop(): Promise<void> {}
}

class SlowRenderer extends Slow {}

async function opsOf(health: Health): Promise<HttpServer> {
  const app = createOpsApp({ health, metrics: new Metrics() });
  const server = new HttpServer({ app, host: '127.0.0.1', port: 0, maxConnections: 10, graceMs: 100 });
  await server.start();
  afterAll(() => server.stop());
  return server;
}

describe('/startupz', () => {
  it('names what has yet to start, then is fine for good', async () => {
    const health = new Health();
    const ops = await opsOf(health);
    expect(await probe(ops.url, '/startupz')).toMatchObject({ status: 503, body: { detail: 'starting' } });
    const [first, second] = [new Slow(), new SlowRenderer()];
    const group = new ServiceGroup([ops, first, second], (left) => health.awaits(left));
    const started = group.start();
    await first.begun.promise;
    const waiting = await probe(ops.url, '/startupz');
    expect(waiting).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { detail: 'waiting for: slow, slow renderer' },
    });
    expect((await probe(ops.url, '/readyz')).body.detail).toBe('waiting for: slow, slow renderer');
    expect((await probe(ops.url, '/livez')).status).toBe(200);
    first.go.resolve();
    await second.begun.promise;
    expect((await probe(ops.url, '/startupz')).body.detail).toBe('waiting for: slow renderer');
    second.go.resolve();
    await started;
    expect(await probe(ops.url, '/startupz')).toMatchObject({ status: 200, body: { status: 'started' } });
    health.drain();
    expect((await probe(ops.url, '/startupz')).status).toBe(200);
  });
});

describe('/livez', () => {
  it('fails once something that should move has not for minutes, and says what', async () => {
    let stalledForMs = 0;
    const health = new Health({ stuckMs: 300_000 });
    health.addLivenessCheck('dispatcher', () => stalledForMs);
    health.addLivenessCheck('browser', () => 0);
    const ops = await opsOf(health);
    expect(await probe(ops.url, '/livez')).toMatchObject({ status: 200, body: { status: 'ok' } });
    stalledForMs = 299_000;
    expect((await probe(ops.url, '/livez')).status).toBe(200);
    stalledForMs = 312_000;
    const answer = await probe(ops.url, '/livez');
    expect(answer).toMatchObject({ status: 503, body: { detail: 'dispatcher: it has not moved for 312 s' } });
    expect(answer.body.checks.map(({ name, status }) => [name, status])).toEqual([
      ['dispatcher', 'failing'],
      ['browser', 'ok'],
    ]);
    stalledForMs = 0;
    expect((await probe(ops.url, '/livez')).status).toBe(200);
  });
});
