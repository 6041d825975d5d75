import { durationText } from './duration-text.ts';
import { escapeHtml } from './escape-html.ts';
import type { LatencySummary } from './latency-histogram.ts';
import type { LoadReport } from './load-report.ts';
import { LOAD_REPORT_STYLE } from './load-report-style.ts';
import { verdictLines } from './load-verdict.ts';
import { barPlot, linePlot } from './plot.ts';

/** What each time is, from when to when. */
const STAGES = [
  ['accept', 'Accepted', 'from when it was to be sent to the 202'],
  ['queueWait', 'In the queue', "by the job's own clock"],
  ['generation', 'Generated', "by the job's own clock"],
  ['download', 'Downloaded', 'the PDF alone'],
  ['turnaround', 'Turnaround', 'from when it was to be sent to the last byte of the PDF'],
] as const;

/** The report as one file for a browser: no scripts, nothing from elsewhere, light and dark. */
export function loadReportPage(report: LoadReport): string {
  const { verdict, plan, counts, latency } = report;
  const title = `Load test of ${report.url}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><link rel="icon" href="data:,"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><style>${LOAD_REPORT_STYLE}</style></head>
<body><header><p class="over">pdfprompt bench</p><h1>${escapeHtml(title)}</h1><p>${escapeHtml(sentence(report))}</p></header>
<main><section class="verdict ${verdict.met ? 'good' : 'bad'}"><h2>${verdict.met ? '✓ The targets are met' : '✗ The targets are not met'}</h2><ul>${verdictLines(
    verdict,
  )
    .map(({ met, text }) => `<li class="${met ? 'good' : 'bad'}">${met ? '✓' : '✗'} ${escapeHtml(text)}</li>`)
    .join('')}</ul>${verdict.notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('')}</section>
<section class="tiles">${[
    ['PDFs completed', shown(counts.completed), `of ${shown(counts.offered)} asked for`],
    ['PDFs an hour', report.pdfsPerHour === null ? '–' : shown(report.pdfsPerHour), 'after the ramp'],
    ['Turnaround p50', durationText(latency.turnaround.p50), `p95 ${durationText(latency.turnaround.p95)}`],
    ['Errors', shown(counts.errors + counts.failed), `and ${shown(counts.limitsHit)} over a limit`],
  ]
    .map(([name = '', value = '', note = '']) => `<div><h3>${name}</h3><p>${value}</p><small>${note}</small></div>`)
    .join('')}</section>
${plots(report)}
<section><h2>Where the time goes</h2>${tableOf(
    ['', 'p50', 'p90', 'p95', 'p99', 'max'],
    STAGES.map(([name, label]) => [`<b>${label}</b>`, ...percentiles(latency[name])]),
    'stages',
  )}<p><small>${STAGES.map(([, label, note]) => `${label}: ${note}.`).join(' ')}</small></p></section>
<section><h2>By tier</h2>${tableOf(
    ['', 'users', 'asked for', 'completed', 'over a limit', 'errors', 'p50', 'p95'],
    Object.entries(report.tiers).map(([name, tier]) => [
      `<b>${escapeHtml(name)}</b>`,
      ...[plan.usersByTier[name] ?? 0, tier.offered, tier.completed, tier.limitsHit, tier.failed + tier.errors].map(
        shown,
      ),
      durationText(tier.turnaround.p50),
      durationText(tier.turnaround.p95),
    ]),
  )}</section>
${faults(report)}
<section><h2>The test itself</h2>${tableOf([], facts(report), 'facts')}<p><small>The load is open: a PDF is asked for when the plan says so, whether or not the service has kept up, and its time counts from then. Percentiles are exact to 1 %.</small></p></section></main></body></html>
`;
}

function sentence({ plan, startedAt, endedAt }: LoadReport): string {
  const users = Object.entries(plan.usersByTier).map(([tier, count]) => `${shown(count)} ${tier}`);
  return `${shown(plan.users)} users (${users.join(', ')}) for ${durationText(plan.durationSeconds * 1000)}; from ${instant(startedAt)} to ${instant(endedAt)} UTC.`;
}

function plots({ timeline, distribution, latency }: LoadReport): string {
  const { slots, slotSeconds } = timeline;
  if (slots.length === 0) return '';
  const perSecond = (count: number) => count / slotSeconds;
  const time = {
    marks: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, text: clock(at * slots.length * slotSeconds) })),
    placeName: (index: number) => `at ${clock(index * slotSeconds)}`,
  };
  const throughput = linePlot({
    ...time,
    title: 'PDFs a second',
    shown: (value) => String(Math.round(value * 100) / 100),
    series: [
      { name: 'completed', colour: 'a', values: slots.map(({ completed }) => perSecond(completed)), isFilled: true },
      { name: 'asked for', colour: 'faint', values: slots.map(({ offered }) => perSecond(offered)) },
      ...(slots.some(({ limitsHit }) => limitsHit > 0)
        ? [{ name: 'over a limit', colour: 'c', values: slots.map(({ limitsHit }) => perSecond(limitsHit)) }]
        : []),
      ...(slots.some(({ errors }) => errors > 0)
        ? [{ name: 'errors', colour: 'bad', values: slots.map(({ errors }) => perSecond(errors)) }]
        : []),
    ],
  });
  const turnaround = linePlot({
    ...time,
    title: 'Turnaround, by when it was to be sent',
    shown: durationText,
    series: [
      { name: 'p50', colour: 'a', values: slots.map(({ p50 }) => p50) },
      { name: 'p95', colour: 'b', values: slots.map(({ p95 }) => p95) },
      { name: 'p99', colour: 'c', values: slots.map(({ p99 }) => p99) },
    ],
  });
  if (latency.turnaround.count === 0) return throughput;
  const bars = distribution.map(({ fromMs, toMs, count }) => ({
    name: `${durationText(fromMs)} to ${durationText(toMs)}`,
    value: count,
  }));
  const ends = [...distribution.map(({ fromMs }) => fromMs), distribution.at(-1)?.toMs ?? 0];
  const shape = barPlot({
    title: 'How many had which turnaround',
    shown,
    bars,
    marks: [0, 0.25, 0.5, 0.75, 1].map((at) => {
      const index = Math.round(at * distribution.length);
      return { at: index / distribution.length, text: durationText(ends[index]) };
    }),
  });
  return throughput + turnaround + shape;
}

function facts({ plan, generator, bytes }: LoadReport): string[][] {
  const { lateness, cpuPart, peakInFlight } = generator;
  const mix = Object.entries(plan.mix).map(([name, share]) => `${escapeHtml(name)} ${share}`);
  const ramp = durationText(plan.rampSeconds * 1000);
  return [
    ['Load', `${shown(plan.pdfsPerHour)} PDFs an hour at full rate, ramp ${ramp}, seed ${plan.seed}`],
    ['Documents', mix.join(', ')],
    ['Given up', `after ${durationText(plan.timeoutSeconds * 1000)}`],
    ['Under way', `${shown(peakInFlight)} at most, of ${shown(plan.maxInFlight)} allowed`],
    [
      'Sent late by',
      `${durationText(lateness.p50)} at p50, ${durationText(lateness.p99)} at p99, ${durationText(lateness.max)} at most`,
    ],
    ['CPU', `${Math.round(cpuPart * 100)} % of a core`],
    ['Fetched', `${shown(Math.round(bytes / 1024))} KiB of PDFs`],
  ];
}

function faults({ errors, failures }: LoadReport): string {
  const rows = [
    ...Object.entries(errors).map(([what, count]) => [escapeHtml(what), shown(count)]),
    ...Object.entries(failures).map(([code, count]) => [`job failed: ${escapeHtml(code)}`, shown(count)]),
  ];
  return rows.length === 0 ? '' : `<section><h2>Errors</h2>${tableOf(['', 'how many'], rows)}</section>`;
}

/** Cells are HTML. */
function tableOf(head: string[], rows: string[][], name = ''): string {
  const cells = (tag: 'td' | 'th', row: string[]) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('');
  return `<div class="wide"><table class="${name}">${head.length > 0 ? `<thead><tr>${cells('th', head)}</tr></thead>` : ''}<tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody></table></div>`;
}

const percentiles = ({ p50, p90, p95, p99, max }: LatencySummary) => [p50, p90, p95, p99, max].map(durationText);
const shown = (count: number) => count.toLocaleString('en');
const instant = (iso: string) => iso.slice(0, 19).replace('T', ' ');
const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
