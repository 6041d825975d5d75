import { html, raw } from 'hono/html';
import { clock, shortDuration } from '../charts/duration.ts';
import { bars, niceCeiling, plot, steps } from '../charts/plot.ts';
import type { LoadReport } from './load-report.ts';
import { reportSummary, reportTables, shown, verdictLines } from './load-report-tables.ts';

/** The report as one HTML file: no scripts, no requests, light and dark. */
export async function loadReportPage(report: LoadReport): Promise<string> {
  const { verdict, counts, latency } = report;
  const title = `Load test of ${report.url}`;
  const { p50, p95 } = latency.turnaround;
  const tiles = [
    ['PDFs completed', shown(counts.completed), `of ${shown(counts.offered)} asked for`],
    ['PDFs an hour', shown(report.pdfsPerHour), 'after the ramp'],
    ['Turnaround p50', shortDuration(p50), `p95 ${shortDuration(p95)}`],
    ['Errors', shown(counts.errors + counts.failed), `and ${shown(counts.limitsHit)} over a limit`],
  ];
  const tables = reportTables(report).map(({ title, head, rows, note }) => {
    const columns = head.map((cell) => html`<th scope="col">${cell}</th>`);
    const body = rows.map(([name, ...cells]) => {
      const values = cells.map((cell) => html`<td>${cell}</td>`);
      return html`<tr>
        <th scope="row">${name}</th>
        ${values}
      </tr>`;
    });
    const labels =
      columns.length > 0 &&
      html`<thead>
        <tr>
          <td></td>
          ${columns}
        </tr>
      </thead>`;
    const table = html`<table class="${labels ? '' : 'facts'}">
      ${labels}
      <tbody>
        ${body}
      </tbody>
    </table>`;
    return html`<section>
      <h2>${title}</h2>
      <div class="wide">${table}</div>
      ${note && html`<p><small>${note}</small></p>`}
    </section>`;
  });
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p>pdfprompt bench</p>
          <h1>${title}</h1>
          <p>${reportSummary(report)}</p>
        </header>
        <main>
          <section class="verdict ${verdict.met ? 'good' : 'bad'}">
            <h2>${verdict.met ? '✓ The targets are met' : '✗ The targets are not met'}</h2>
            <ul>
              ${verdictLines(report).map(({ met, text }) => html`<li class="${met ? 'good' : 'bad'}">${text}</li>`)}
            </ul>
            ${verdict.notes.map((note) => html`<p>${note}</p>`)}
          </section>
          <section class="tiles">
            ${tiles.map(
              ([name, value, note]) =>
                html`<div>
                  <h3>${name}</h3>
                  <p>${value}</p>
                  <small>${note}</small>
                </div>`,
            )}
          </section>
          ${report.timeline.slots.length > 0 && charts(report)}${tables}
        </main>
      </body>
    </html>`;
  return String(await page);
}

interface Chart {
  id: string;
  heading: string;
  unit: string;
  series: readonly { name: string; word: string; values: (number | null)[] }[];
  /** names of series that are lines; the others are stacked bars */
  lines: readonly string[];
  columns: readonly string[];
  ticks: readonly string[];
  text: (value: number | null) => string;
}

function chart({ series, lines, columns, text, ...texts }: Chart) {
  const isLine = ({ name }: Chart['series'][number]) => lines.includes(name);
  const stacked = series.filter((each) => !isLine(each));
  const sums = columns.map((_, index) => stacked.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const most = (values: readonly (number | null)[]) => Math.max(0, ...values.map((value) => value ?? 0));
  const top = niceCeiling(most([sums, ...series.map(({ values }) => values)].flat()));
  const sentence = (of: (values: (number | null)[]) => string) =>
    series.map(({ word, values }) => `${word} ${of(values)}`).join(', ');
  return plot({
    ...texts,
    title: `${texts.heading}: ${sentence((values) => `at most ${text(most(values))}`)}`,
    legend: series,
    scale: [text(top), text(top / 2)],
    tips: columns.map((column, index) => `${column}: ${sentence((values) => text(values[index] ?? null))}`),
    drawing: html`${bars(stacked, top)}${series.filter(isLine).map((each) => steps(each, top))}`,
  });
}

const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** Throughput and turnaround over time, and the distribution of the turnaround. */
function charts({ timeline: { slots, slotSeconds }, distribution, latency }: LoadReport) {
  const seriesOf = (words: Partial<Record<keyof (typeof slots)[number], string>>) =>
    Object.entries(words).map(([name, word]) => ({ name, word, values: slots.map((slot) => slot[name as 'p50']) }));
  const overTime = {
    columns: slots.map(({ atSeconds }) => clock(atSeconds)),
    ticks: TICKS.map((part) => clock(part * slots.length * slotSeconds)),
  };
  const ends = [...distribution.map(({ fromMs }) => fromMs), distribution.at(-1)?.toMs ?? 0];
  const pdfs = chart({
    ...overTime,
    id: 'pdfs',
    heading: 'PDFs',
    unit: `in ${shortDuration(slotSeconds * 1000)}`,
    series: seriesOf({ offered: 'asked for', completed: 'completed', limitsHit: 'over a limit', errors: 'errors' }),
    lines: ['offered'],
    text: shown,
  });
  if (latency.turnaround.count === 0) return pdfs;
  const turnaround = chart({
    ...overTime,
    id: 'turnaround',
    heading: 'Turnaround',
    unit: 'by scheduled time',
    series: seriesOf({ p99: 'p99', p95: 'p95', p50: 'p50' }),
    lines: ['p99', 'p95', 'p50'],
    text: shortDuration,
  });
  const shape = chart({
    id: 'distribution',
    heading: 'Distribution of the turnaround',
    unit: 'PDFs',
    series: [{ name: 'completed', word: 'PDFs', values: distribution.map(({ count }) => count) }],
    lines: [],
    columns: distribution.map(({ fromMs, toMs }) => `${shortDuration(fromMs)} to ${shortDuration(toMs)}`),
    ticks: TICKS.map((part) => shortDuration(ends[Math.round(part * distribution.length)] ?? 0)),
    text: shown,
  });
  return html`${pdfs}${turnaround}${shape}`;
}

const STYLE = `
:root{--page:#f7f7f5;--card:#fff;--ink:#141413;--soft:#5b5a55;--line:#e2e1dc;--completed:#2a6fd1;--p50:#2a6fd1;--p95:#12875c;--p99:#c4591b;--limitsHit:#c4591b;--errors:#c02d2d;--good:#167a4a;--offered:#8b8a84}
@media(prefers-color-scheme:dark){:root{--page:#151514;--card:#1f1f1d;--ink:#f2f1ec;--soft:#b4b2a8;--line:#363531;--completed:#6aa5f5;--p50:#6aa5f5;--p95:#3dbf8b;--p99:#ee8a4c;--limitsHit:#ee8a4c;--errors:#f07272;--good:#55c48a;--offered:#8f8d85}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 48px;max-width:920px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:24px;line-height:1.25;overflow-wrap:anywhere}h2,h3{margin:0;font-size:17px}h2{margin-bottom:8px}
header p{margin:0;color:var(--soft)}
small,.unit,.legend{color:var(--soft);font-size:13px}
section,figure{margin:16px 0 0;padding:16px;border:1px solid var(--line);border-radius:10px;background:var(--card)}
.verdict{border-left:5px solid var(--good)}.verdict.bad{border-left-color:var(--errors)}
.verdict h2,.good{color:var(--good)}.verdict.bad h2,li.bad{color:var(--errors)}
.verdict ul{margin:0;padding:0;list-style:none}.verdict p{margin:8px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:16px 12px}
.tiles h3{font-size:13px;font-weight:500;color:var(--soft)}.tiles p{margin:0;font-size:26px;line-height:1.3;font-weight:600}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 12px;margin-bottom:14px}.legend{display:flex;flex-wrap:wrap;gap:0 14px;margin-left:auto}
.key::before{content:'';display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle;border-radius:2px;background:var(--colour)}
.plot-area{display:grid;grid-template-columns:auto minmax(0,1fr);gap:5px 10px}.plot svg{grid-column:2;width:100%;height:200px;overflow:visible}
.scale{grid-row:1;display:flex;flex-direction:column;justify-content:space-between;margin-block:-.6em;min-width:40px;text-align:right}
.ticks{grid-column:2;display:grid;grid-template-columns:repeat(4,minmax(0,1fr)) auto}.scale,.ticks{color:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);vector-effect:non-scaling-stroke}.tip{fill:transparent}.tip:hover{fill:var(--ink);fill-opacity:.07}
${['completed', 'limitsHit', 'errors', 'offered', 'p50', 'p95', 'p99'].map((name) => `.key-${name},.bar-${name},.line-${name}{--colour:var(--${name})}`).join('')}
[class^=bar-]{fill:var(--colour)}[class^=line-]{fill:none;stroke:var(--colour);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.wide{overflow-x:auto}table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:6px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-size:13px;font-weight:500}tbody th{position:sticky;left:0;padding-left:0;background:var(--card);text-align:left}
.facts td{text-align:left;white-space:normal}.facts th{width:120px;color:var(--soft);font-weight:400}
@media(max-width:560px){section,figure{padding:14px 12px}th,td{padding:6px 4px;font-size:13px}}
`;
