import type { LoadPlan } from './load-plan.ts';
import type { LoadRecorder, Tally } from './load-recorder.ts';
import type { Counts, LoadReport } from './load-report.ts';
import type { RunFacts } from './load-run.ts';
import { judge } from './load-verdict.ts';

/** What is known of it once everything is cleaned up. */
interface ReportFacts extends RunFacts {
  run: string;
  keysLeft: number;
}

export function createReport(plan: LoadPlan, recorder: LoadRecorder, facts: ReportFacts): LoadReport {
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
