import { durationText } from '../planning/duration-text.ts';
import type { LoadReport } from '../planning/load-report.ts';
import type { LoadProgress } from '../planning/load-run.ts';
import { verdictLines } from '../planning/load-verdict.ts';
import { table } from './output.ts';

const STAGES = {
  accept: 'accepted',
  queueWait: 'in the queue',
  generation: 'generated',
  download: 'downloaded',
  turnaround: 'turnaround',
} as const;

const shown = (count: number) => count.toLocaleString('en');

/** The report for a terminal. */
export function loadReportText(report: LoadReport): string {
  const { plan, counts, latency, tiers, generator, verdict } = report;
  const users = Object.entries(plan.usersByTier).map(([tier, count]) => `${shown(count)} ${tier}`);
  const latencies = Object.entries(STAGES).map(([name, label]) => {
    const { p50, p90, p95, p99, max } = latency[name as keyof typeof STAGES];
    return [label, ...[p50, p90, p95, p99, max].map(durationText)];
  });
  const byTier = Object.entries(tiers).map(([name, tier]) => [
    name,
    ...[tier.offered, tier.completed, tier.limitsHit, tier.failed + tier.errors].map(shown),
    ...[tier.turnaround.p50, tier.turnaround.p95].map(durationText),
  ]);
  const faults = [
    ...Object.entries(report.errors).map(([what, count]) => `${shown(count)} × ${what}`),
    ...Object.entries(report.failures).map(([code, count]) => `${shown(count)} jobs failed: ${code}`),
  ];
  return [
    `${report.url}: ${shown(plan.users)} users (${users.join(', ')}), ${shown(plan.pdfsPerHour)} PDFs an hour for ${durationText(plan.durationSeconds * 1000)}, seed ${plan.seed}`,
    '',
    `${shown(counts.offered)} to be asked for: ${shown(counts.completed)} completed, ${shown(counts.limitsHit)} over a limit, ${shown(counts.failed)} failed, ${shown(counts.errors)} errors${counts.unfinished > 0 ? `, ${shown(counts.unfinished)} under way at the end` : ''}`,
    ...(report.pdfsPerHour === null ? [] : [`${shown(report.pdfsPerHour)} PDFs an hour after the ramp`]),
    '',
    table([['', 'P50', 'P90', 'P95', 'P99', 'MAX'], ...latencies]),
    '',
    table([['TIER', 'OFFERED', 'COMPLETED', 'OVER LIMIT', 'ERRORS', 'P50', 'P95'], ...byTier]),
    '',
    ...(faults.length > 0 ? [...faults, ''] : []),
    `The load generator: late by ${durationText(generator.lateness.p99)} at p99, ${Math.round(generator.cpuPart * 100)} % of a core, ${shown(generator.peakInFlight)} PDFs under way at most`,
    '',
    ...verdictLines(verdict).map(({ met, text }) => `${met ? '✓' : '✗'} ${text}`),
    ...verdict.notes.map((note) => `! ${note}`),
    '',
    verdict.met ? 'The targets are met.' : 'The targets are not met.',
  ].join('\n');
}

/** One line for how it is going. */
export function loadProgressText({
  elapsedMs,
  offered,
  completed,
  inFlight,
  limited,
  errors,
  p95Ms,
}: LoadProgress): string {
  const seconds = Math.round(elapsedMs / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return `${clock}  ${shown(offered)} asked for, ${shown(completed)} completed, ${shown(inFlight)} under way, ${shown(limited)} over a limit, ${shown(errors)} errors, p95 ${durationText(p95Ms)}`;
}
