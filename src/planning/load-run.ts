import { setTimeout as sleep } from 'node:timers/promises';
import { type Arrival, arrivals } from './arrivals.ts';
import { clock, shortDuration } from '../charts/duration.ts';
import { HttpClient } from './http-client.ts';
import type { LoadPlan } from './load-plan.ts';
import { LoadRecorder } from './load-recorder.ts';
import { fetchPdf, type PdfOutcome } from './one-pdf.ts';
import { sampleRequests } from './sample-documents.ts';
import type { TestUser } from './test-users.ts';

const PROGRESS_MS = 1_000;
const CANCEL_MS = 10_000;
/** The timeline has steps enough to see a change, not more than can be drawn, and some PDFs in each. */
const MAX_SLOTS = 60;
const MIN_SLOTS = 12;
const PDFS_IN_SLOT = 20;
/** Milliseconds without any response after which a service counts as gone; between two checks; for one check. */
const GONE_AFTER_MS = 5_000;
const CHECK_INTERVAL_MS = 250;
const CHECK_TIMEOUT_MS = 2_000;

interface LoadRunOptions {
  plan: LoadPlan;
  users: readonly TestUser[];
  /** for cancelling jobs; stays open after the load */
  control: HttpClient;
  signal: AbortSignal;
  /** called every second with a line for people */
  onProgress: (line: string) => void;
}

/** Requests every PDF at its scheduled time and records how it ended. */
export async function runLoad({ plan, users, control, signal, onProgress }: LoadRunOptions) {
  const common = plan.pdfsPerMinute ?? (plan.pdfsPerHour && plan.pdfsPerHour / 60 / plan.users);
  const rates = users.map(({ usualRate }) => (common ?? usualRate) / 60);
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
  const usersByTier: Record<string, number> = {};
  for (const { tier } of users) usersByTier[tier] = (usersByTier[tier] ?? 0) + 1;
  const recorder = new LoadRecorder({
    tiers: Object.keys(usersByTier),
    slotMs: slotMsOf(plan.durationMs, perSecond),
    rampMs: plan.rampMs,
    durationMs: plan.durationMs,
  });
  const bodyFor = sampleRequests(plan.mix);

  const client = new HttpClient(plan.url);
  const stop = new AbortController();
  stop.signal.addEventListener('abort', () => client.close());
  signal.addEventListener('abort', () => stop.abort());

  const inFlight = new Set<Promise<void>>();
  const cancelled: Promise<unknown>[] = [];
  let peakInFlight = 0;
  let lastResponseAt = new Date();
  let isChecking = false;
  let goneSince: Date | undefined;
  const startedAt = new Date();
  const startedCpu = process.cpuUsage();
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  /** Returns at once if the time has passed or the test is ended. */
  const until = async (atMs: number) => {
    const ms = atMs - elapsed();
    if (ms > 0) await sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);
  };

  /** After a request without a response: ends the test unless the service responds to anything within 5 seconds. */
  const checkService = async () => {
    if (isChecking) return;
    isChecking = true;
    const previous = lastResponseAt;
    for (
      const deadline = performance.now() + GONE_AFTER_MS;
      lastResponseAt === previous;
      await sleep(CHECK_INTERVAL_MS)
    ) {
      if (performance.now() > deadline) {
        goneSince = previous;
        return stop.abort();
      }
      const check = { method: 'GET', path: '/livez', timeoutMs: CHECK_TIMEOUT_MS } as const;
      await client.send(check).then(onResponse, () => undefined);
    }
    isChecking = false;
  };
  const onResponse = () => {
    lastResponseAt = new Date();
  };

  const end = (arrival: Arrival, { tier, key }: TestUser, outcome: PdfOutcome) => {
    recorder.ended(arrival, tier, outcome, elapsed());
    const { kind, jobId } = outcome;
    if (kind === 'errors' && outcome.isUnanswered) void checkService();
    // The service must not go on working on a PDF that was given up.
    if ((kind === 'errors' || kind === 'unfinished') && jobId !== undefined) {
      const request = { method: 'DELETE', path: `/v1/jobs/${jobId}`, key, timeoutMs: CANCEL_MS } as const;
      cancelled.push(control.send(request).catch(() => undefined));
    }
  };
  const begin = (arrival: Arrival, user: TestUser) => {
    recorder.offered(arrival, user.tier);
    if (inFlight.size >= plan.maxInFlight)
      return end(arrival, user, { kind: 'errors', what: 'not sent', isUnanswered: false });
    recorder.lateness.record(elapsed() - arrival.atMs);
    const order = { key: user.key, body: bodyFor(arrival.document), timeoutMs: plan.timeoutMs, onResponse };
    const work = fetchPdf(client, { ...order, scheduledAt: start + arrival.atMs }).then((outcome) => {
      inFlight.delete(work);
      end(arrival, user, outcome);
    });
    inFlight.add(work);
    peakInFlight = Math.max(peakInFlight, inFlight.size);
  };
  const report = () => {
    const { counts, turnaround } = recorder.all;
    const figures = {
      'asked for': counts.offered,
      completed: counts.completed,
      'under way': inFlight.size,
      'over a limit': counts.limitsHit,
      errors: counts.errors + counts.failed,
    };
    const texts = Object.entries(figures).map(([name, value]) => `${value.toLocaleString('en')} ${name}`);
    onProgress(`${clock(elapsed() / 1000)}  ${texts.join(', ')}, p95 ${shortDuration(turnaround.percentile(95))}`);
  };

  const reporting = setInterval(report, PROGRESS_MS);
  try {
    for (const arrival of arrivals({ ...plan, rates })) {
      await until(arrival.atMs);
      const user = users[arrival.user];
      if (stop.signal.aborted || user === undefined) break;
      begin(arrival, user);
    }
    await until(plan.durationMs);
    const loadMs = elapsed();
    await Promise.all(inFlight); // each has its own timeout
    const { user, system } = process.cpuUsage(startedCpu);
    const facts = {
      startedAt,
      endedAt: new Date(),
      /** `time`: as planned; `signal`: ended by the user; `gone`: the service stopped responding */
      endedBy: goneSince ? ('gone' as const) : stop.signal.aborted ? ('signal' as const) : ('time' as const),
      /** time of the service's last response, if it is gone */
      goneSince,
      usersByTier,
      /** at full rate */
      pdfsPerHour: perSecond * 3_600,
      /** until the last PDF was due; less than the plan's if the test was ended early */
      loadMs,
      /** seconds of CPU for each second */
      cpuPart: (user + system) / 1000 / elapsed(),
      peakInFlight,
    };
    report();
    await Promise.all(cancelled);
    return { recorder, facts };
  } finally {
    clearInterval(reporting);
    client.close();
  }
}

function slotMsOf(durationMs: number, perSecond: number): number {
  const seconds = durationMs / 1000;
  const enough = Math.min(seconds / MIN_SLOTS, PDFS_IN_SLOT / perSecond);
  return Math.max(1, Math.ceil(Math.max(enough, seconds / MAX_SLOTS))) * 1000;
}
