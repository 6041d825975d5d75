import type { LatencySummary } from './latency-histogram.ts';
import type { LoadRecorder, Tally } from './load-recorder.ts';
import type { LoadPlan } from './load-plan.ts';
import { judge, type Verdict } from './load-verdict.ts';

interface Counts {
  /** PDFs that were to be asked for; each is in one of the next five */
  offered: number;
  completed: number;
  /** answered 429: the tier's limit was reached */
  limitsHit: number;
  /** jobs that the service says have failed */
  failed: number;
  /** no answer, a wrong one, or not sent */
  errors: number;
  /** under way when the test was ended early */
  unfinished: number;
  /** jobs that the service took, whatever became of them */
  accepted: number;
}

/** What `--json` prints. Times are milliseconds unless they say otherwise, instants ISO 8601. */
export interface LoadReport {
  run: string;
  url: string;
  startedAt: string;
  endedAt: string;
  /** `time`: as planned; `signal`: somebody ended it; `gone`: the service stopped answering */
  endedBy: 'time' | 'signal' | 'gone';
  /** when the service answered for the last time, if it is gone */
  goneSince: string | null;
  plan: {
    users: number;
    usersByTier: Record<string, number>;
    pdfsPerHour: number;
    mix: Record<string, number>;
    rampSeconds: number;
    durationSeconds: number;
    timeoutSeconds: number;
    maxInFlight: number;
    seed: number;
  };
  counts: Counts;
  errors: Record<string, number>;
  failures: Record<string, number>;
  /** completed after the ramp and before the end of the load, as so many an hour; null if there was no such time */
  pdfsPerHour: number | null;
  /** of PDFs fetched */
  bytes: number;
  latency: Record<'accept' | 'queueWait' | 'generation' | 'download' | 'turnaround', LatencySummary>;
  /** how many turnarounds lie in each bar */
  distribution: { fromMs: number; toMs: number; count: number }[];
  tiers: Record<string, Counts & { turnaround: LatencySummary }>;
  timeline: {
    slotSeconds: number;
    slots: {
      atSeconds: number;
      offered: number;
      completed: number;
      limitsHit: number;
      errors: number;
      p50: number | null;
      p95: number | null;
      p99: number | null;
    }[];
  };
  /** of the load test itself */
  generator: { lateness: LatencySummary; cpuPart: number; peakInFlight: number; keysLeft: number };
  verdict: Verdict;
}

/** What is known of a run beside what was recorded. */
export interface RunFacts {
  run: string;
  startedAt: Date;
  endedAt: Date;
  endedBy: LoadReport['endedBy'];
  goneSince: Date | undefined;
  usersByTier: Record<string, number>;
  /** at full rate */
  offeredPerHour: number;
  /** until the last PDF was to be sent; less than the plan's if the test was ended early */
  loadMs: number;
  /** seconds of CPU for each second */
  cpuPart: number;
  peakInFlight: number;
  keysLeft: number;
}

export function createReport(plan: LoadPlan, recorder: LoadRecorder, facts: RunFacts): LoadReport {
  const steadyMs = Math.min(plan.durationMs, facts.loadMs) - plan.rampMs;
  const report: Omit<LoadReport, 'verdict'> = {
    run: facts.run,
    url: plan.url,
    startedAt: facts.startedAt.toISOString(),
    endedAt: facts.endedAt.toISOString(),
    endedBy: facts.endedBy,
    goneSince: facts.goneSince?.toISOString() ?? null,
    plan: {
      users: plan.users,
      usersByTier: facts.usersByTier,
      pdfsPerHour: Math.round(facts.offeredPerHour),
      mix: Object.fromEntries(plan.mix.map(({ name, share }) => [name, share])),
      rampSeconds: plan.rampMs / 1000,
      durationSeconds: plan.durationMs / 1000,
      timeoutSeconds: plan.timeoutMs / 1000,
      maxInFlight: plan.maxInFlight,
      seed: plan.seed,
    },
    counts: countsOf(recorder.all),
    errors: byCount(recorder.errors),
    failures: byCount(recorder.failures),
    pdfsPerHour: steadyMs > 0 ? Math.round((recorder.steady * 3_600_000) / steadyMs) : null,
    bytes: recorder.bytes,
    latency: {
      accept: recorder.accept.summary(),
      queueWait: recorder.queueWait.summary(),
      generation: recorder.generation.summary(),
      download: recorder.download.summary(),
      turnaround: recorder.all.turnaround.summary(),
    },
    distribution: recorder.all.turnaround.bars(40).map(({ fromMs, toMs, count }) => ({
      fromMs: rounded(fromMs),
      toMs: rounded(toMs),
      count,
    })),
    tiers: Object.fromEntries(
      [...recorder.tiers].map(([name, tally]) => [
        name,
        { ...countsOf(tally), turnaround: tally.turnaround.summary() },
      ]),
    ),
    timeline: {
      slotSeconds: recorder.slotMs / 1000,
      slots: recorder.slots.map(({ offered, completed, limited, errors, turnaround }, index) => {
        const { p50, p95, p99 } = turnaround.summary();
        const atSeconds = (index * recorder.slotMs) / 1000;
        return { atSeconds, offered, completed, limitsHit: limited, errors, p50, p95, p99 };
      }),
    },
    generator: {
      lateness: recorder.lateness.summary(),
      cpuPart: rounded(facts.cpuPart),
      peakInFlight: facts.peakInFlight,
      keysLeft: facts.keysLeft,
    },
  };
  return { ...report, verdict: judge(report, plan.targets) };
}

function countsOf({ offered, completed, limited, failed, errors, unfinished, accepted }: Tally): Counts {
  return { offered, completed, limitsHit: limited, failed, errors, unfinished, accepted };
}

const byCount = (counts: Map<string, number>) => Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
const rounded = (value: number) => Math.round(value * 100) / 100;
