import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { LOG_MESSAGES } from '../../src/telemetry/log-messages.ts';

const request = { requestId: 'r', traceId: 't' };
const job = { ...request, jobId: 'j', userId: 'u', tier: 'starter' };
const lost = { ...job, batchId: 'b', row: 1, run: 1 };
const attempt = { ...lost, attempt: 1, waitedMs: 1 };
const admin = { ...request, by: 'k' };
const key = { ...admin, keyId: 'k', userId: 'u' };
const delivery = { deliveryId: 'd', kind: 'webhook', userId: 'u', jobId: 'j', batchId: 'b', webhookId: 'w', attempt: 1, status: 500, ms: 1, error: 'x' } as const; // prettier-ignore
const hook = { ...request, userId: 'u', webhookId: 'w' };
const err = new Error('it');

type SamplesOf<E> = {
  [Name in keyof E as E[Name] extends (...parameters: never[]) => void ? Name : never]: Parameters<
    E[Name] extends (...parameters: infer P) => void ? (...parameters: P) => void : never
  >;
};
type Samples = SamplesOf<Events> &
  SamplesOf<Events['accounts']> &
  SamplesOf<Events['bulk']> &
  SamplesOf<Events['deliveries']>;

/** Every event with all its fields: without one of them this does not compile. */
const SAMPLES: Samples = {
  requestAnswered: [{ ...request, method: 'GET', route: '/', status: 200, ms: 1, userId: 'u', tier: 'starter' }],
  requestCrashed: [request, err],
  downloadCutOff: [{ ...request, jobId: 'j', batchId: 'b', userId: 'u' }, err],
  eventsCutOff: [{ ...request, userId: 'u' }, err],
  jobSubmitted: [{ ...job, priority: 'low' }],
  batchSubmitted: [{ ...request, batchId: 'b', userId: 'u', tier: 'starter', items: 2, skipped: 1 }],
  batchRetried: [{ ...request, batchId: 'b', userId: 'u', tier: 'starter', items: 2 }],
  rateLimited: [{ ...request, userId: 'u', tier: 'starter', limit: 'minute' }],
  cacheAsked: ['jobs', 'hit'],
  jobStarted: [attempt],
  jobEnded: [{ ...attempt, status: 'completed', code: 'internal', ms: 1, pages: 1, bytes: 1 }],
  jobPoisoned: [lost],
  jobCancelled: [{ ...request, jobId: 'j', userId: 'u', batchId: 'b', row: 1 }],
  batchCancelled: [{ ...request, batchId: 'b', userId: 'u', items: 2 }],
  batchRepaired: [{ batchId: 'b', userId: 'u' }],
  operatorActed: [
    {
      what: 'cancelled a job',
      requestId: 'r',
      userId: 'u',
      keyId: 'k',
      sessionId: 's',
      jobId: 'j',
      batchId: 'b',
      webhookId: 'w',
    },
  ],
  studioVisited: [{ what: 'signed in', requestId: 'r', userId: 'u', keyId: 'k' }],
  jobRequeued: [attempt, 'retry', err],
  deliveryStarted: [{ waitedMs: 1 }],
  deliveryEnded: [{ ...delivery, result: 'delivered' }],
  deliveryRetried: [delivery],
  deliveriesLost: [{ deliveries: 1 }],
  webhookOff: [{ webhookId: 'w', userId: 'u', reason: 'gone', failed: 1 }],
  storeFailed: [{ store: 'file', reason: 'ENOSPC', isNew: true }, err],
  storeRecovered: [{ store: 'file' }],
  temporarySpaceLow: [{ reason: 'x' }],
  temporarySpaceRecovered: [],
  jobCrashed: [attempt, err],
  jobResultDiscarded: [attempt],
  loginFailed: [{ ...request, address: '::1' }],
  loginsBlocked: [{ ...request, address: '::1', failures: 60 }],
  linkCreated: [{ ...request, jobId: 'j', userId: 'u', file: 0, via: 'service', expiresAt: '2031-01-01T00:00:00Z' }],
  linksRevoked: [{ ...request, jobId: 'j', userId: 'u' }],
  pdfDeleted: [{ ...request, jobId: 'j', userId: 'u', files: 1 }],
  linkKeysRotated: [{ made: 1, deleted: 1 }],
  userErased: [{ ...admin, userId: 'u', jobs: 1 }],
  limitsSet: [{ ...admin, userId: 'u', limits: { requestsPerDay: null } }],
  userCreated: [{ ...admin, userId: 'u', tier: 'starter' }],
  keyCreated: [{ ...key, tier: 'starter', scopes: ['admin'], expiresAt: null }],
  keyRotated: [{ ...key, replaces: 'k', replacedExpiresAt: '2031-01-01T00:00:00Z' }],
  keyRevoked: [key],
  webhookCreated: [hook],
  webhookChanged: [{ ...hook, enabled: true }],
  webhookDeleted: [hook],
  webhookSecretRotated: [hook],
  scheduleSaved: [{ ...request, userId: 'u', schedule: 's', isNew: true, paused: false }],
  scheduleDeleted: [{ ...request, userId: 'u', schedule: 's' }],
  pauseStarted: [{ by: 'k', requestId: 'r', target: 'all', reason: 'x', isNew: true }],
  actionStarted: [{ by: 'k', requestId: 'r', actionId: 'a', action: 'retry', expected: 3 }],
  actionStopped: [{ by: 'k', requestId: 'r', actionId: 'a' }],
  actionEnded: [{ actionId: 'a', action: 'retry', results: { retried: 3 } }],
  pauseEnded: [{ by: 'k', requestId: 'r', target: 'all' }],
  scheduleRan: [
    { scheduleId: 's', userId: 'u', plannedAt: '2031-01-01T00:00:00Z', status: 'refused', jobId: 'j', code: 'x' },
  ],
  subscriptionSet: [{ ...admin, userId: 'u', tier: 'starter' }],
  tierDefined: [
    { ...admin, tier: 'gold', requestsPerMinute: 1, requestsPerDay: 1, priority: 1, retention: null, isNew: true },
  ],
  tierDeleted: [{ ...admin, tier: 'gold' }],
  pageTaken: ['warm'],
  browserStarted: ['153.0.0.0'],
  browserEnded: ['crashed'],
  memoryPressure: [{ pressure: 'high', used: 1, limit: 1, source: 'machine' }],
  stepEnded: [{ step: 'merge', ms: 1 }],
  documentEvicted: [{ why: 'largest', bytes: 1 }],
  stepsNetworked: [{ reason: 'no namespaces' }],
  isolationKnown: [{ jail: 'proxy', sandbox: true, reason: 'x' }],
  egressDenied: [{ reason: 'port', authority: 'a:1', userId: 'u', jobId: 'j', isLogged: true }],
  workerRegistered: [{ workerId: 'w', concurrency: 1 }],
  workerLeft: [{ workerId: 'w' }],
  workerLost: [{ workerId: 'w', jobs: 1 }],
  workerRegisteredAgain: [{ workerId: 'w' }],
  workerSessionLost: [{ workerId: 'w' }],
  workerSessionRestored: [{ workerId: 'w' }],
  processFailed: [{ jobId: 'j' }, err],
  tracesUnavailable: [err],
  migrated: [{ migrations: ['0001_tables.sql'] }],
  databaseUnavailable: [{ reason: 'x' }],
  databaseAvailable: [],
  replicaRead: ['primary'],
  replicaUsed: [],
  replicaLeft: [{ fault: 'behind', lagSeconds: 1, err }],
  expired: [{ files: 1, documents: 1, jobs: 1 }],
  unusedRemoved: [{ assets: 3, versions: 1 }],
  orphansRemoved: [{ files: 1 }],
  backgroundFailed: ['the queue', err],
};

interface Line {
  level: string;
  event: string;
  fields: string[];
}

const COMMON = new Set(['level', 'time', 'process', 'pid', 'event', 'msg']);

/** What an event writes into the log. */
function linesOf(name: keyof Samples): Line[] {
  const lines: Line[] = [];
  const write = (text: string) => {
    const { level, event, ...rest } = JSON.parse(text) as { level: string; event: string };
    lines.push({ level, event, fields: Object.keys(rest).filter((field) => !COMMON.has(field)) });
  };
  const events = new Events(createLogger({ level: 'trace', process: 'test', human: false, write }));
  const all: object[] = [events, events.accounts, events.bulk, events.deliveries];
  for (const each of all)
    if (name in each) (each as Record<string, (...parameters: unknown[]) => void>)[name]?.(...SAMPLES[name]);
  return lines;
}

const written = () => {
  const page = readFileSync(new URL('../../docs/logging.md', import.meta.url), 'utf8');
  const cells = (row: string) => row.split('|').map((cell) => cell.trim());
  const named = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  return page
    .split('\n')
    .filter((row) => row.startsWith('| `'))
    .map((row) => {
      const [, event, msg, levels, fields] = cells(row);
      return { event: named(event)[0] ?? '', msg: named(msg)[0] ?? '', levels: named(levels), fields: named(fields) };
    });
};

const COUNTED_ONLY = new Set<keyof Samples>(['cacheAsked', 'deliveryStarted']);
const names = (Object.keys(SAMPLES) as (keyof Samples)[]).filter((name) => !COUNTED_ONLY.has(name));

describe('docs/logging.md', () => {
  it('has a row for each event of the log, with its message', () => {
    const rows = written().map(({ event, msg }) => [event, msg]);
    expect(rows).toHaveLength(Object.keys(LOG_MESSAGES).length);
    expect(Object.fromEntries(rows)).toEqual(LOG_MESSAGES);
  });

  it.each(names)('has the row of %s, with its level and every field', (name) => {
    const lines = linesOf(name);
    expect(lines).toHaveLength(1);
    const [line] = lines as [Line];
    const row = written().find(({ event, levels }) => event === line.event && levels.includes(line.level));
    expect(row).toBeDefined();
    for (const field of line.fields) expect(row?.fields).toContain(field);
  });

  it('has no field that is never written', () => {
    const lines = names.flatMap(linesOf);
    for (const { event, fields } of written()) {
      const all = lines.filter((line) => line.event === event).flatMap((line) => line.fields);
      if (all.length > 0) for (const field of fields) expect(all).toContain(field);
    }
  });
});

describe('an event of the log', () => {
  const root = new URL('../../src/', import.meta.url);
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'telemetry/log-messages.ts')
    .map((name) => readFileSync(new URL(name, root), 'utf8'))
    .join();

  it.each(Object.keys(LOG_MESSAGES))('%s is written somewhere', (event) => {
    expect(sources).toContain(`'${event}'`);
  });
});
