import type { PdfOutcome } from '../../src/planning/one-pdf.ts';
import type { LoadPlan } from '../../src/planning/load-plan.ts';
import { LoadRecorder } from '../../src/planning/load-recorder.ts';
import { createReport, type LoadReport } from '../../src/planning/load-report.ts';

export const PLAN: LoadPlan = {
  url: 'http://127.0.0.1:3000',
  users: 2,
  tiers: [{ name: 'starter', share: 1 }],
  pdfsPerMinute: undefined,
  pdfsPerHour: 3_600,
  mix: [{ name: 'invoice', share: 1 }],
  rampMs: 0,
  durationMs: 10_000,
  timeoutMs: 10_000,
  maxInFlight: 1_000,
  seed: 1,
  targets: { p95Ms: 5_000, errorPart: 0.01, pdfsPerHour: undefined },
};

/** A PDF as it should be. */
export const COMPLETED: PdfOutcome = {
  kind: 'completed',
  acceptedMs: 10,
  queuedMs: 20,
  generationMs: 70,
  downloadMs: 5,
  turnaroundMs: 120,
  bytes: 1_000,
};

/** The report of a run in which one PDF of a tier a second became each of these. */
export function reportOf(
  outcomes: PdfOutcome[],
  {
    plan = PLAN,
    tier = 'starter',
    endedBy = 'time',
  }: { plan?: LoadPlan; tier?: string; endedBy?: LoadReport['endedBy'] } = {},
): LoadReport {
  const recorder = new LoadRecorder({ ...plan, tiers: [tier], slotMs: 1_000 });
  for (const [second, outcome] of outcomes.entries()) {
    const arrival = { atMs: second * 1_000, user: 0, document: 0 };
    recorder.lateness.record(1);
    recorder.offered(arrival, tier);
    recorder.ended(arrival, tier, outcome, second * 1_000 + 120);
  }
  return createReport(plan, recorder, {
    run: 'test',
    startedAt: new Date('2030-01-01T00:00:00Z'),
    endedAt: new Date('2030-01-01T00:00:10Z'),
    endedBy,
    goneSince: endedBy === 'gone' ? new Date('2030-01-01T00:00:05Z') : undefined,
    usersByTier: { [tier]: 2 },
    pdfsPerHour: 3_600,
    loadMs: plan.durationMs,
    cpuPart: 0.02,
    peakInFlight: 1,
    keysLeft: 0,
  });
}
