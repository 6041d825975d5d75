import { durationText } from './duration-text.ts';
import type { Targets } from './load-plan.ts';
import type { LoadReport, Verdict } from './load-report.ts';

/** Milliseconds that a load generator may be late at p99 before its figures are in doubt. */
const LATE_MS = 100;
/** PDFs below which a p95 says little. */
const FEW = 100;

/** Whether the targets were met, and how far the figures can be trusted. */
export function judge(report: Omit<LoadReport, 'verdict'>, limits: Targets): Verdict {
  const { counts, latency, generator, goneSince, endedBy } = report;
  const p95 = latency.turnaround.p95;
  const judged = counts.offered - counts.limitsHit - counts.unfinished;
  const errorPart = judged > 0 ? (counts.errors + counts.failed) / judged : null;
  const targets: Verdict['targets'] = [
    { name: 'turnaroundP95Ms', target: limits.p95Ms, actual: p95, met: p95 !== null && p95 <= limits.p95Ms },
    {
      name: 'errorPart',
      target: limits.errorPart,
      actual: errorPart === null ? null : Math.round(errorPart * 10_000) / 10_000,
      met: errorPart !== null && errorPart <= limits.errorPart,
    },
  ];
  if (limits.pdfsPerHour !== undefined) {
    const actual = report.pdfsPerHour;
    const met = actual !== null && actual >= limits.pdfsPerHour;
    targets.push({ name: 'pdfsPerHour', target: limits.pdfsPerHour, actual, met });
  }
  const isGone = endedBy === 'gone';
  const notSent = report.errors['not sent'] ?? 0;
  const notes = [
    isGone && `The service stopped answering at ${goneSince}; the test was ended.`,
    endedBy === 'signal' && 'The test was ended early; what was under way is left out.',
    counts.completed === 0 && 'No PDF was completed.',
    notSent > 0 &&
      `${notSent} were not sent, because ${report.plan.maxInFlight} were under way already: the service is behind by more than that.`,
    (generator.lateness.p99 ?? 0) > LATE_MS &&
      `The load generator itself was late (p99 ${durationText(generator.lateness.p99)}): part of the latency is its own. Run it on a machine with less to do.`,
    generator.cpuPart > 0.8 &&
      `The load generator had the CPU for ${Math.round(generator.cpuPart * 100)} % of a core: it may be what is slow.`,
    counts.limitsHit > 0.05 * counts.offered &&
      `${Math.round((100 * counts.limitsHit) / counts.offered)} % were refused by the tiers' limits: the service had less to do than the plan says.`,
    counts.completed > 0 &&
      counts.completed < FEW &&
      `With ${counts.completed} PDFs the high percentiles are those of a few.`,
    generator.keysLeft > 0 &&
      `${generator.keysLeft} users of bench-${report.run} could not be erased; their keys end by themselves.`,
  ].filter((note) => note !== false);
  return { met: !isGone && targets.every(({ met }) => met), targets, notes };
}

/** Each target as a line for people. */
export function verdictLines({ targets }: Verdict): { met: boolean; text: string }[] {
  return targets.map(({ name, target, actual, met }) => {
    switch (name) {
      case 'turnaroundP95Ms':
        return { met, text: `turnaround p95 ${durationText(actual)}, target at most ${durationText(target)}` };
      case 'errorPart':
        return { met, text: `errors ${percent(actual)}, target at most ${percent(target)}` };
      case 'pdfsPerHour':
        return { met, text: `PDFs an hour ${shown(actual)}, target at least ${shown(target)}` };
    }
  });
}

const percent = (part: number | null) => (part === null ? '–' : `${Math.round(part * 10_000) / 100} %`);
const shown = (count: number | null) => (count === null ? '–' : count.toLocaleString('en'));
