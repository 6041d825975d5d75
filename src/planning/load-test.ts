import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { type Arrival, arrivals } from './arrivals.ts';
import { HttpClient } from './http-client.ts';
import type { LoadPlan } from './load-plan.ts';
import { LoadRecorder } from './load-recorder.ts';
import { createReport, type LoadReport } from './load-report.ts';
import { fetchPdf, type PdfOutcome } from './one-pdf.ts';
import { sampleDocuments } from './sample-documents.ts';
import { ServiceWatch } from './service-watch.ts';
import type { TestUser, TestUsers } from './test-users.ts';

/** The timeline is cut into so many pieces, at most, of a second at least. */
const MAX_SLOTS = 120;
const PROGRESS_MS = 1_000;
const GREETING_MS = 10_000;
/** For what is not load: connections at a time, and milliseconds to cancel a job. */
const DESK_CONNECTIONS = 8;
const CANCEL_MS = 10_000;

/** How a test is doing. */
export interface LoadProgress {
  elapsedMs: number;
  offered: number;
  completed: number;
  inFlight: number;
  limited: number;
  /** failed jobs included */
  errors: number;
  /** milliseconds of the turnaround so far */
  p95Ms: number | undefined;
}

interface LoadTestOptions {
  plan: LoadPlan;
  /** of the users' addresses */
  run: string;
  /** made when the service is known to be there, with a client that outlives the load */
  users: (client: HttpClient) => Promise<TestUsers>;
  /** ends the load; there is a report all the same */
  signal: AbortSignal;
  /** ends what comes after the load, too: keys that are not revoked yet are left to their expiry */
  hurry: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

/**
 * Puts a load on a running service, and says how it did. The load is open: a PDF is asked for when
 * the plan says so, however many are under way, and its time counts from then, so a service that
 * stalls cannot slow its own examination down.
 * @returns undefined if it was ended before the load began
 * @throws OperatorError if the service is not there or does not take the key
 */
export async function runLoadTest(options: LoadTestOptions): Promise<LoadReport | undefined> {
  const { plan, hurry, signal } = options;
  const desk = new HttpClient(plan.url, { connections: DESK_CONNECTIONS });
  hurry.addEventListener('abort', () => desk.close());
  try {
    await greet(desk, plan.url);
    const testUsers = await options.users(desk);
    let keysLeft = 0;
    let finish: ((keysLeft: number) => LoadReport) | undefined;
    try {
      if (!signal.aborted) finish = await load(options, testUsers.users, desk);
    } finally {
      keysLeft = await testUsers.remove();
    }
    return finish?.(keysLeft);
  } finally {
    desk.close();
  }
}

async function greet(client: HttpClient, url: string): Promise<void> {
  const answer = await client.ask({ method: 'GET', path: '/livez', timeoutMs: GREETING_MS }).catch((error: unknown) => {
    throw new OperatorError(`There is no service at ${url}: ${messageOf(error)}. Start one, or correct --url.`, {
      cause: error,
    });
  });
  if (answer.status !== 200)
    throw new OperatorError(`What answers at ${url} is no pdfprompt: GET /livez says ${answer.status}. Correct --url.`);
}

/** @returns what makes the report, once everything is cleaned up */
async function load(
  { plan, run, signal, onProgress }: LoadTestOptions,
  users: readonly TestUser[],
  desk: HttpClient,
): Promise<(keysLeft: number) => LoadReport> {
  const rates = ratesOf(plan, users);
  const documents = sampleDocuments(plan.mix);
  const slotMs = Math.max(1, Math.ceil(plan.durationMs / 1000 / MAX_SLOTS)) * 1000;
  const recorder = new LoadRecorder({ slotMs, rampMs: plan.rampMs, durationMs: plan.durationMs });
  const client = new HttpClient(plan.url);
  const stop = new AbortController();
  let goneSince: Date | undefined;
  const watch = new ServiceWatch(client, (since) => {
    goneSince = since;
    stop.abort();
  });
  signal.addEventListener('abort', () => stop.abort());
  stop.signal.addEventListener('abort', () => client.close());

  const inFlight = new Set<Promise<void>>();
  const cancelling = new Set<Promise<unknown>>();
  let peakInFlight = 0;
  const startedAt = performance.now();
  const startedCpu = process.cpuUsage();
  const started = new Date();
  const elapsed = () => performance.now() - startedAt;

  const end = (arrival: Arrival, user: TestUser, outcome: PdfOutcome) => {
    recorder.ended(arrival, user.tier, outcome, elapsed());
    if (outcome.kind === 'error' && outcome.isUnanswered) void watch.suspect();
    const isLeft = outcome.kind === 'error' || outcome.kind === 'unfinished';
    if (isLeft && outcome.jobId !== undefined) cancel(user.key, outcome.jobId);
  };
  // A service must not go on working for what nobody waits for.
  const cancel = (key: string, jobId: string) => {
    const asked: Promise<unknown> = desk
      .ask({ method: 'DELETE', path: `/v1/jobs/${jobId}`, key, timeoutMs: CANCEL_MS })
      .catch(() => undefined)
      .then(() => cancelling.delete(asked));
    cancelling.add(asked);
  };
  const send = (arrival: Arrival, user: TestUser) => {
    recorder.lateness.record(elapsed() - arrival.atMs);
    const order = {
      key: user.key,
      body: documents(arrival.document),
      intendedAt: startedAt + arrival.atMs,
      timeoutMs: plan.timeoutMs,
      onAnswer: () => watch.answered(),
    };
    const work = fetchPdf(client, order).then((outcome) => {
      inFlight.delete(work);
      end(arrival, user, outcome);
    });
    inFlight.add(work);
    peakInFlight = Math.max(peakInFlight, inFlight.size);
  };

  const ticking = setInterval(() => onProgress(progressOf(recorder, elapsed(), inFlight.size)), PROGRESS_MS);
  try {
    for (const arrival of arrivals({ ...plan, rates })) {
      await pause(arrival.atMs - elapsed(), stop.signal);
      const user = users[arrival.user];
      if (stop.signal.aborted || user === undefined) break;
      recorder.offered(arrival, user.tier);
      if (inFlight.size < plan.maxInFlight) send(arrival, user);
      else end(arrival, user, { kind: 'error', what: 'not sent', isUnanswered: false });
    }
    await pause(plan.durationMs - elapsed(), stop.signal);
    const loadMs = elapsed();
    await Promise.all(inFlight); // each has its own time limit
    const spent = process.cpuUsage(startedCpu);
    const facts = {
      run,
      startedAt: started,
      endedAt: new Date(),
      endedBy: goneSince ? 'gone' : stop.signal.aborted ? 'signal' : 'time',
      goneSince,
      usersByTier: countTiers(users),
      offeredPerHour: rates.reduce((sum, rate) => sum + rate, 0) * 3_600,
      loadMs,
      cpuPart: (spent.user + spent.system) / 1000 / elapsed(),
      peakInFlight,
    } as const;
    onProgress(progressOf(recorder, elapsed(), 0));
    await Promise.all(cancelling);
    return (keysLeft) => createReport(plan, recorder, { ...facts, keysLeft });
  } finally {
    clearInterval(ticking);
    client.close();
  }
}

/** PDFs a second of each user. */
function ratesOf({ rate }: LoadPlan, users: readonly TestUser[]): number[] {
  if (rate !== undefined && 'perHour' in rate) return users.map(() => rate.perHour / 3_600 / users.length);
  return users.map(({ usualRate }) => (rate?.perUserMinute ?? usualRate) / 60);
}

function countTiers(users: readonly TestUser[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { tier } of users) counts[tier] = (counts[tier] ?? 0) + 1;
  return counts;
}

function progressOf({ all }: LoadRecorder, elapsedMs: number, inFlight: number): LoadProgress {
  const { offered, completed, limited, errors, failed, turnaround } = all;
  const p95Ms = turnaround.percentile(95);
  return { elapsedMs, offered, completed, inFlight, limited, errors: errors + failed, p95Ms };
}

/** Until then, or until it is aborted. Who is late does not wait. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
}
