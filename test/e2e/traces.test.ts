/** @module-tag long */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { openOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const { key, userId } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();

/** Logs on stderr which of OpenTelemetry's packages a process loads. */
const hook = `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name.startsWith('@opentelemetry/')) process.stderr.write('loads ' + name + '\\n');
  return next(name, context);
} });`;
const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(hook)}`;
const env = { DATABASE_URL: url, LOG_LEVEL: 'debug', NODE_OPTIONS };

async function serve(more: Record<string, string> = {}): Promise<{ cli: Cli; address: string }> {
  const cli = pdfprompt(['serve', '--port', '0'], { env: { ...env, ...more } });
  const [, address = ''] = await cli.until(/serves at (http:\S+)/);
  return { cli, address };
}

async function work(more: Record<string, string> = {}): Promise<Cli> {
  const cli = pdfprompt(['work', '--concurrency', '2'], { env: { ...env, ...more } });
  await cli.until(/pdfprompt works/);
  return cli;
}

/** They send the remaining spans as they stop. */
async function stop(...processes: Cli[]): Promise<void> {
  for (const { child } of processes) child.kill('SIGTERM');
  for (const { exited } of processes) expect(await exited).toMatchObject({ code: 0, signal: null });
}

const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

async function submit(address: string, body: object, more: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${address}/v1/jobs`, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as Job).id;
}

async function ended(address: string, id: string): Promise<Job> {
  for (;;) {
    const job = (await (await fetch(`${address}/v1/jobs/${id}?wait=20`, { headers })).json()) as Job;
    if (job.completedAt !== null) return job;
  }
}

const storedFor = async (id: string) =>
  (await sql<{ traceparent: string | null }[]>`select traceparent from pdfprompt_job where id = ${id}`)[0]?.traceparent;

const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const UNSAMPLED = 'a3ce929d0e0e47364bf92f3577b34da6';
const traceparent = (traceId: string, flags: string) => `00-${traceId}-${CALLER.spanId}-${flags}`;
const lines = (cli: Cli) =>
  cli
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The only span of a trace with this name. */
function only(spans: ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReceivedSpan;
}

describe('a service with tracing on', () => {
  let receiver: OtlpReceiver;
  let api: Cli;
  let worker: Cli;
  const ids: Record<'good' | 'bad' | 'unsampled' | 'alone', string> = { good: '', bad: '', unsampled: '', alone: '' };
  const traceOf = (traceId: string) => receiver.spans.filter((span) => span.traceId === traceId);
  const traceOfJob = (id: string) =>
    traceOf(receiver.spans.find((span) => span.attributes['pdfprompt.job.id'] === id)?.traceId ?? '');

  beforeAll(async () => {
    receiver = await openOtlpReceiver();
    const otel = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=canary-77001',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    };
    const serving = await serve(otel);
    api = serving.cli;
    worker = await work(otel);
    const { address } = serving;
    // The first job waits for 300 ms, so that the others wait in the queue.
    ids.good = await submit(
      address,
      { html: '<h1>canary-77002</h1>', waitForTimeout: 300, metadata: { note: 'canary-77003' } },
      { traceparent: traceparent(CALLER.traceId, '01'), 'x-request-id': 'request-1' },
    );
    ids.bad = await submit(address, {
      html: '<p>x</p>',
      waitForSelector: { selector: '#canary-77004', timeout: 200 },
      cookies: [{ name: 'session', value: 'canary-77005', url: 'http://127.0.0.1/' }],
    });
    ids.unsampled = await submit(address, { html: '<p>x</p>' }, { traceparent: traceparent(UNSAMPLED, '00') });
    ids.alone = await submit(address, { html: '<p>x</p>' }, { traceparent: '00-nonsense-00f067aa0ba902b7-01' });
    for (const id of Object.values(ids)) await ended(address, id);
    await fetch(`${address}/v1/jobs/${key}?token=canary-77006`, { headers });
    await fetch(`${address}/livez`);
    await stop(api, worker);
  }, 300_000);

  it('shows one job from the request to the stored PDF, in the trace of the caller', () => {
    const spans = traceOf(CALLER.traceId);
    const request = only(spans, 'POST /v1/jobs');
    expect(request).toMatchObject({
      parentId: CALLER.spanId,
      kind: 2,
      isError: false,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/jobs',
        'http.response.status_code': 202,
        'pdfprompt.job.id': ids.good,
        'pdfprompt.request.id': 'request-1',
        'pdfprompt.user.id': userId,
      },
      resource: { 'service.name': 'pdfprompt-serve', 'deployment.environment.name': 'test' },
    });
    expect(only(spans, 'job.submit').parentId).toBe(request.spanId);
    const wait = only(spans, 'queue.wait');
    const job = only(spans, 'job');
    expect([wait.parentId, job.parentId]).toEqual([request.spanId, request.spanId]);
    expect(job).toMatchObject({
      kind: 5,
      isError: false,
      attributes: {
        'pdfprompt.job.id': ids.good,
        'pdfprompt.user.id': userId,
        'pdfprompt.tier': 'unlimited',
        'pdfprompt.request.id': 'request-1',
        'pdfprompt.attempt': 1,
        'pdfprompt.outcome': 'completed',
      },
      resource: { 'service.name': 'pdfprompt-work' },
    });
    const steps = ['claim', 'page', 'load', 'wait', 'print', 'store'].map((name) => only(spans, name));
    for (const step of steps) {
      expect(step.parentId).toBe(job.spanId);
      expect(step.endedAt).toBeGreaterThanOrEqual(step.startedAt);
      expect(step.startedAt).toBeGreaterThanOrEqual(job.startedAt);
      expect(step.endedAt).toBeLessThanOrEqual(job.endedAt);
    }
    expect(steps.toSorted((a, b) => a.startedAt - b.startedAt)).toEqual(steps);
    expect(wait.endedAt).toBeLessThanOrEqual(job.startedAt + 1);
    const waiting = only(spans, 'wait');
    expect(waiting.endedAt - waiting.startedAt).toBeGreaterThan(290);
    expect(spans).toHaveLength(10);
  });

  it('stores the context of its own request, which the worker continues', async () => {
    const request = only(traceOf(CALLER.traceId), 'POST /v1/jobs');
    expect(await storedFor(ids.good)).toBe(`00-${CALLER.traceId}-${request.spanId}-01`);
  });

  it('follows the flag of a caller who does not want the trace', async () => {
    expect(traceOf(UNSAMPLED)).toEqual([]);
    expect(await storedFor(ids.unsampled)).toMatch(new RegExp(`^00-${UNSAMPLED}-[0-9a-f]{16}-00$`));
  });

  it('starts a trace of its own if the caller sends no valid one', () => {
    const spans = traceOfJob(ids.alone);
    expect(only(spans, 'POST /v1/jobs').parentId).toBe('');
    expect(only(spans, 'job').attributes['pdfprompt.outcome']).toBe('completed');
  });

  it('shows why a document failed, and at which step', () => {
    const spans = traceOfJob(ids.bad);
    expect(only(spans, 'job')).toMatchObject({
      isError: true,
      attributes: { 'error.type': 'selector_not_found', 'pdfprompt.outcome': 'failed' },
    });
    expect(only(spans, 'wait')).toMatchObject({ isError: true, attributes: { 'error.type': 'selector_not_found' } });
    expect(spans.map((span) => span.name)).not.toContain('print');
    expect(only(spans, 'store').isError).toBe(false);
  });

  it('contains no document, key, cookie or query, and no probe', () => {
    expect(receiver.spans.length).toBeGreaterThan(30);
    expect(receiver.raw()).not.toContain(key);
    expect(receiver.raw()).not.toMatch(/canary-\d+|livez/);
    expect(new Set(receiver.headers.map((each) => each['x-collector-key']))).toEqual(new Set(['canary-77001']));
  });

  it('names the trace in every log line about the job', () => {
    const messages = (cli: Cli) =>
      lines(cli)
        .filter((line) => line.traceId === CALLER.traceId)
        .map((line) => line.msg);
    expect(messages(api)).toEqual(['job submitted', 'request answered']);
    expect(messages(worker)).toEqual(['job started', 'job ended']);
  });
});

describe('tracing in the worker only', () => {
  let receiver: OtlpReceiver;
  let api: Cli;
  let worker: Cli;
  let id = '';

  beforeAll(async () => {
    receiver = await openOtlpReceiver();
    const serving = await serve();
    api = serving.cli;
    worker = await work({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
    });
    id = await submit(serving.address, { html: '<p>x</p>' }, { traceparent: traceparent(CALLER.traceId, '01') });
    await ended(serving.address, id);
    await stop(api, worker);
  }, 300_000);

  it('continues the trace of the caller, which is stored as it came', async () => {
    expect(await storedFor(id)).toBe(traceparent(CALLER.traceId, '01'));
    expect(only(receiver.spans, 'job')).toMatchObject({ traceId: CALLER.traceId, parentId: CALLER.spanId });
    expect(receiver.spans.map((span) => span.resource['service.name'])).not.toContain('pdfprompt-serve');
  });

  it('costs the API nothing: it does not load the SDK', () => {
    expect(worker.stderr()).toMatch(/^loads @opentelemetry\/sdk-trace$/m);
    expect(api.stderr()).toContain('job submitted');
    expect(api.stderr()).not.toMatch(/^loads @opentelemetry\/(?!api$)/m); // pg-boss and prom-client load that one too
  });
});

describe('tracing without the optional packages', () => {
  it('does not stop the process: the log says what to type, and jobs are accepted', async () => {
    const gone = hook.replace(
      'return next',
      "if (name.startsWith('@opentelemetry/sdk')) name += '-that-is-not-there'; return next",
    );
    const { cli, address } = await serve({
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(gone)}`,
      OTEL_TRACES_EXPORTER: 'otlp',
    });
    expect(await submit(address, { html: '<p>x</p>' })).toMatch(/^[0-9a-f-]{36}$/);
    expect(cli.stderr()).toMatch(
      /"level":"warn".*Traces are asked for .* Type: npm install @opentelemetry\/sdk-trace .*traces are off/,
    );
    await stop(cli);
  });
});

describe('OTEL_TRACES_SAMPLER=always_off', () => {
  it('sends nothing, and the worker follows it', async () => {
    const receiver = await openOtlpReceiver();
    const { cli, address } = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_SAMPLER: 'always_off',
    });
    const id = await submit(address, { html: '<p>x</p>' }, { traceparent: traceparent(CALLER.traceId, '01') });
    await stop(cli);
    expect(receiver.spans).toEqual([]);
    expect(await storedFor(id)).toMatch(new RegExp(`^00-${CALLER.traceId}-[0-9a-f]{16}-00$`));
  }, 120_000);
});

describe('a collector', () => {
  it('that is down or does not answer delays no job, and is logged once in a while', async () => {
    const mute = await openOtlpReceiver({ isMute: true });
    const { cli, address } = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: mute.url });
    const worker = await work({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
    const startedAt = performance.now();
    const ids: string[] = [];
    for (let count = 0; count < 20; count++) ids.push(await submit(address, { html: '<p>x</p>' }));
    for (const id of ids) expect((await ended(address, id)).status).toBe('completed');
    const seconds = (performance.now() - startedAt) / 1_000;
    await stop(cli, worker);
    expect(mute.spans.length).toBeGreaterThan(0); // it was asked
    for (const process_ of [cli, worker]) {
      const complaints = lines(process_).filter((line) => line.what === 'sending traces');
      expect(complaints.length).toBeGreaterThanOrEqual(1);
      expect(complaints.length).toBeLessThanOrEqual(3 + seconds / 10);
    }
  }, 300_000);
});
