import { shortDuration } from '../charts/duration.ts';
import type { LatencySummary } from './latency-histogram.ts';
import type { LoadReport } from './load-report.ts';

interface Table {
  title: string;
  /** without the first cell, which is the title's */
  head: string[];
  rows: string[][];
  note?: string;
}

const STAGES = [
  ['accept', 'Accepted', 'from the scheduled time to the 202'],
  ['queueWait', 'In the queue', "by the job's own timings"],
  ['generation', 'Generated', "by the job's own timings"],
  ['download', 'Downloaded', 'the PDF alone'],
  ['turnaround', 'Turnaround', 'from the scheduled time to the last byte of the PDF'],
] as const;

/** The figures of a report, for the terminal and for the page. */
export function reportTables(report: LoadReport): Table[] {
  const { plan, latency, tiers, generator, errors, failures, bytes } = report;
  const { lateness, cpuPart, peakInFlight } = generator;
  const percentiles = ({ p50, p90, p95, p99, max }: LatencySummary) => [p50, p90, p95, p99, max].map(shortDuration);
  const [p50, , , p99, max] = percentiles(lateness);
  const ramp = seconds(plan.rampSeconds);
  const mix = Object.entries(plan.mix).map((share) => share.join(' '));
  const faults = [
    ...Object.entries(errors).map(([what, count]) => [what, shown(count)]),
    ...Object.entries(failures).map(([code, count]) => [`job failed: ${code}`, shown(count)]),
  ];
  return [
    {
      title: 'Where the time goes',
      head: ['p50', 'p90', 'p95', 'p99', 'max'],
      rows: STAGES.map(([name, label]) => [label, ...percentiles(latency[name])]),
      note: STAGES.map(([, label, note]) => `${label}: ${note}.`).join(' '),
    },
    {
      title: 'By tier',
      head: ['users', 'asked for', 'completed', 'over a limit', 'errors', 'p50', 'p95'],
      rows: Object.entries(tiers).map(([name, { offered, completed, limitsHit, failed, errors, turnaround }]) => [
        name,
        ...[plan.usersByTier[name] ?? 0, offered, completed, limitsHit, failed + errors].map(shown),
        ...[turnaround.p50, turnaround.p95].map(shortDuration),
      ]),
    },
    ...(faults.length > 0 ? [{ title: 'Errors', head: ['count'], rows: faults }] : []),
    {
      title: 'The test itself',
      head: [],
      rows: [
        ['Load', `${shown(plan.pdfsPerHour)} PDFs an hour at full rate, ramp ${ramp}, seed ${plan.seed}`],
        ['Documents', mix.join(', ')],
        ['Timeout', seconds(plan.timeoutSeconds)],
        ['Under way', `${shown(peakInFlight)} at most, of ${shown(plan.maxInFlight)} allowed`],
        ['Sent late by', `${p50} at p50, ${p99} at p99, ${max} at most`],
        ['CPU', `${Math.round(cpuPart * 100)} % of a core`],
        ['Downloaded', `${shown(Math.round(bytes / 1024))} KiB of PDFs`],
      ],
      note: 'The load is open: each PDF is requested at its scheduled time, whether or not the service keeps up, and its time counts from then. Percentiles are exact to 1 %.',
    },
  ];
}

/** One line on what was done. */
export function reportSummary({ plan, startedAt, endedAt }: LoadReport): string {
  const instant = (iso: string) => iso.slice(0, 19).replace('T', ' ');
  return `${shown(plan.users)} users (${listOf(plan.usersByTier)}) for ${seconds(plan.durationSeconds)}; from ${instant(startedAt)} to ${instant(endedAt)} UTC.`;
}

/** Each target as a line. */
export function verdictLines({ verdict }: LoadReport): { met: boolean; text: string }[] {
  const percent = (part: number | null) => (part === null ? '–' : `${Math.round(part * 10_000) / 100} %`);
  const texts = {
    turnaroundP95Ms: { label: 'turnaround p95', limit: 'at most', text: shortDuration },
    errorPart: { label: 'errors', limit: 'at most', text: percent },
    pdfsPerHour: { label: 'PDFs an hour', limit: 'at least', text: shown },
  };
  return verdict.targets.map(({ name, target, actual, met }) => {
    const { label, limit, text } = texts[name];
    return { met, text: `${met ? '✓' : '✗'} ${label} ${text(actual)}, target ${limit} ${text(target)}` };
  });
}

export const shown = (count: number | null) => count?.toLocaleString('en') ?? '–';
const seconds = (value: number) => shortDuration(value * 1000);
const listOf = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${shown(count)} ${name}`)
    .join(', ');
