import { shortDuration } from '../charts/duration.ts';
import type { LoadPlan } from './load-plan.ts';
import type { LoadRecorder } from './load-recorder.ts';
import type { runLoad } from './load-run.ts';

/** Milliseconds that the load generator may be late at p99 before its figures are in doubt. */
const LATE_MS = 100;
/** With fewer PDFs a p95 says little. */
const FEW = 100;
const BARS = 40;

type RunFacts = Awaited<ReturnType<typeof runLoad>>['facts'] & {
  run: string;
  /** test users that could not be erased */
  keysLeft: number;
};

/** What `bench --json` prints. Times are milliseconds unless their names say otherwise, instants ISO 8601. */
export type LoadReport = Figures & { verdict: Verdict };
type Figures = ReturnType<typeof figuresOf>;
type Verdict = ReturnType<typeof judge>;

export function createReport(plan: LoadPlan, recorder: LoadRecorder, facts: RunFacts): LoadReport {
  const figures = figuresOf(plan, recorder, facts);
  return { ...figures, verdict: judge(figures, plan.targets) };
}

function figuresOf(plan: LoadPlan, recorder: LoadRecorder, facts: RunFacts) {
  const { all, tiers, stages, slots, options } = recorder;
  const steadyMs = Math.min(plan.durationMs, facts.loadMs) - plan.rampMs;
  return {
    run: facts.run,
    url: plan.url,
    startedAt: facts.startedAt.toISOString(),
    endedAt: facts.endedAt.toISOString(),
    endedBy: facts.endedBy,
    goneSince: facts.goneSince?.toISOString() ?? null,
    plan: {
      users: plan.users,
      usersByTier: facts.usersByTier,
      pdfsPerHour: Math.round(facts.pdfsPerHour),
      mix: Object.fromEntries(plan.mix.map(({ name, share }) => [name, share])),
      rampSeconds: plan.rampMs / 1000,
      durationSeconds: plan.durationMs / 1000,
      timeoutSeconds: plan.timeoutMs / 1000,
      maxInFlight: plan.maxInFlight,
      seed: plan.seed,
    },
    counts: all.counts,
    errors: mostFirst(recorder.errors),
    failures: mostFirst(recorder.failures),
    /** completed between the end of the ramp and the end of the load; null if there was no such time */
    pdfsPerHour: steadyMs > 0 ? Math.round((recorder.steady * 3_600_000) / steadyMs) : null,
    /** of downloaded PDFs */
    bytes: recorder.bytes,
    latency: {
      accept: stages.accept.summary(),
      queueWait: stages.queueWait.summary(),
      generation: stages.generation.summary(),
      download: stages.download.summary(),
      turnaround: all.turnaround.summary(),
    },
    /** of the turnaround */
    distribution: all.turnaround
      .bars(BARS)
      .map(({ fromMs, toMs, count }) => ({ fromMs: rounded(fromMs, 2), toMs: rounded(toMs, 2), count })),
    tiers: Object.fromEntries(
      [...tiers].map(([name, { counts, turnaround }]) => [name, { ...counts, turnaround: turnaround.summary() }]),
    ),
    timeline: {
      slotSeconds: options.slotMs / 1000,
      slots: slots.map(({ counts: { offered, completed, limitsHit, errors, failed }, turnaround }, index) => {
        const { p50, p95, p99 } = turnaround.summary();
        const atSeconds = (index * options.slotMs) / 1000;
        return { atSeconds, offered, completed, limitsHit, errors: errors + failed, p50, p95, p99 };
      }),
    },
    /** the load test itself */
    generator: {
      lateness: recorder.lateness.summary(),
      cpuPart: rounded(facts.cpuPart, 2),
      peakInFlight: facts.peakInFlight,
      keysLeft: facts.keysLeft,
    },
  };
}

/** Whether the targets are met, and how far the figures can be trusted. */
function judge(figures: Figures, limits: LoadPlan['targets']) {
  const { counts, latency, generator, plan, pdfsPerHour } = figures;
  const { p95 } = latency.turnaround;
  const judged = counts.offered - counts.limitsHit - counts.unfinished;
  const errorPart = judged > 0 ? (counts.errors + counts.failed) / judged : null;
  const target = <Name extends string>(name: Name, limit: number, actual: number | null, isMet: boolean) => ({
    name,
    target: limit,
    actual,
    met: actual !== null && isMet,
  });
  const { p95Ms, errorPart: mostErrors, pdfsPerHour: leastPdfs } = limits;
  const targets = [
    target('turnaroundP95Ms', p95Ms, p95, (p95 ?? 0) <= p95Ms),
    target('errorPart', mostErrors, errorPart && rounded(errorPart, 4), (errorPart ?? 0) <= mostErrors),
    ...(leastPdfs === undefined
      ? []
      : [target('pdfsPerHour', leastPdfs, pdfsPerHour, (pdfsPerHour ?? 0) >= leastPdfs)]),
  ];
  const isGone = figures.endedBy === 'gone';
  const notSent = figures.errors['not sent'] ?? 0;
  const notes = [
    isGone && `The service stopped answering at ${figures.goneSince}; the test was ended.`,
    figures.endedBy === 'signal' && 'The test was ended early; PDFs still under way are left out.',
    counts.completed === 0 && 'No PDF was completed.',
    notSent > 0 &&
      `${notSent} were not sent, because ${plan.maxInFlight} were under way already: the service is behind by more than that.`,
    (generator.lateness.p99 ?? 0) > LATE_MS &&
      `The load generator itself was late (p99 ${shortDuration(generator.lateness.p99)}): part of the latency is its own. Run it on a machine with less to do.`,
    generator.cpuPart > 0.8 &&
      `The load generator used ${Math.round(generator.cpuPart * 100)} % of a core: it may be the bottleneck.`,
    counts.limitsHit > 0.05 * counts.offered &&
      `${Math.round((100 * counts.limitsHit) / counts.offered)} % were refused by the tiers' limits: the service had less to do than planned.`,
    counts.completed > 0 &&
      counts.completed < FEW &&
      `With only ${counts.completed} PDFs the high percentiles depend on a few of them.`,
    generator.keysLeft > 0 &&
      `${generator.keysLeft} users of bench-${figures.run} could not be erased; their keys expire by themselves.`,
  ].filter((note) => note !== false);
  return { met: !isGone && targets.every(({ met }) => met), targets, notes };
}

const mostFirst = (counts: Map<string, number>) => Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
