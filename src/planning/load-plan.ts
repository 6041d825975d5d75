import type { Share } from './shares.ts';

/** What a service has to keep to. */
export interface Targets {
  /** milliseconds of the turnaround at p95 */
  p95Ms: number;
  /** errors and failed jobs as a part of what was offered, limits hit left out */
  errorPart: number;
  pdfsPerHour: number | undefined;
}

/** A load test as it was asked for. */
export interface LoadPlan {
  /** of the service */
  url: string;
  users: number;
  tiers: readonly Share[];
  /** PDFs: a minute of each user, or an hour of all of them; neither: what their tiers suggest */
  rate: { perUserMinute: number } | { perHour: number } | undefined;
  mix: readonly Share[];
  /** part of the duration */
  rampMs: number;
  durationMs: number;
  /** from when a PDF was to be asked for until it is given up */
  timeoutMs: number;
  /** PDFs under way at a time, at most; more are not sent */
  maxInFlight: number;
  seed: number;
  targets: Targets;
}
