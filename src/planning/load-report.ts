import type { LatencySummary } from './latency-histogram.ts';
import type { RunFacts } from './load-run.ts';

export interface Counts {
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
  endedBy: RunFacts['endedBy'];
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

export interface Verdict {
  /** every target, and the service was there to the end */
  met: boolean;
  targets: {
    name: 'turnaroundP95Ms' | 'errorPart' | 'pdfsPerHour';
    target: number;
    actual: number | null;
    met: boolean;
  }[];
  /** sentences: what is wrong, then what to keep in mind about the figures */
  notes: string[];
}
