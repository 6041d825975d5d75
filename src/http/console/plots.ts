import { html } from 'hono/html';
import { shortDuration } from '../../charts/duration.ts';
import { bars, niceCeiling, plot, steps } from '../../charts/plot.ts';
import type { HistoryBucket, ThroughputHistory } from '../../jobs/throughput-history.ts';
import { clockTime, count, counted, duration, type Html, tableHead } from './figures.ts';

// No plot relies on colour or shape alone: each has a title with its figures, and `historyTable` has all of them.

/** Of all buckets together. */
export function totalsOf({ buckets }: ThroughputHistory): Pick<HistoryBucket, 'completed' | 'failed'> {
  const sum = (of: (bucket: HistoryBucket) => number) => buckets.reduce((total, each) => total + of(each), 0);
  return { completed: sum(({ completed }) => completed), failed: sum(({ failed }) => failed) };
}

/** How many jobs were completed, and failed, in each bucket. */
export function throughputPlot(history: ThroughputHistory): Html {
  const { buckets, range, bucketSeconds } = history;
  const totals = totalsOf(history);
  const most = Math.max(0, ...buckets.map(({ completed, failed }) => completed + failed));
  const top = Math.max(niceCeiling(most), 4);
  const series = (['completed', 'failed'] as const).map((name) => ({
    name,
    values: buckets.map((each) => each[name]),
  }));
  return plot({
    id: 'throughput',
    heading: 'Throughput',
    title: `Throughput of the last ${nameOf(range)}: ${count(totals.completed)} completed, ${count(totals.failed)} failed, at most ${counted(most, 'job')} in ${duration(bucketSeconds)}`,
    scale: [count(top), count(top / 2)],
    legend: series.map(({ name }) => ({ name, word: name })),
    unit: `jobs in ${duration(bucketSeconds)}`,
    drawing: bars(series, top),
    ticks: ticksOf(history),
    times: buckets.map(({ at }) => at),
    tips: buckets.map(
      ({ at, completed, failed }) => `${clock(at)}: ${count(completed)} completed, ${count(failed)} failed`,
    ),
  });
}

/** How long the jobs that ended in each bucket had waited: the median and p95. */
export function waitPlot(history: ThroughputHistory): Html {
  const { buckets, range } = history;
  const [p95, p50] = (['waitP95', 'waitP50'] as const).map((name) => buckets.map((each) => each[name]));
  const worst = (values: (number | null)[] = []) => Math.max(...values.map((value) => value ?? -1));
  const top = niceCeiling(Math.max(0.01, worst(p95)));
  return plot({
    id: 'wait',
    heading: 'Wait',
    title: `Wait until the start in the last ${nameOf(range)}: ${
      worst(p95) < 0 ? 'nothing has ended' : `p50 at most ${duration(worst(p50))}, p95 at most ${duration(worst(p95))}`
    }`,
    scale: [shortDuration(top * 1_000), shortDuration(top * 500)],
    legend: ['p95', 'p50'].map((name) => ({ name, word: name })),
    unit: 'from acceptance to start',
    drawing: html`${steps({ name: 'p95', values: p95 ?? [] }, top)}${steps({ name: 'p50', values: p50 ?? [] }, top)}`,
    ticks: ticksOf(history),
    times: buckets.map(({ at }) => at),
    tips: buckets.map(
      ({ at, waitP50, waitP95 }) =>
        `${clock(at)}: ${waitP50 === null ? 'nothing ended' : `p50 ${duration(waitP50)}, p95 ${duration(waitP95 ?? 0)}`}`,
    ),
  });
}

/** All figures of the plots, as a table. */
export function historyTable({ buckets, range, bucketSeconds }: ThroughputHistory): Html {
  const seconds = (value: number | null) =>
    value === null ? html`<td>–</td>` : html`<td><data value="${value.toFixed(6)}">${duration(value)}</data></td>`;
  const rows = buckets.map(
    ({ at, completed, failed, waitP50, waitP95 }) =>
      html`<tr>
        <th scope="row">${clockTime(at)}</th>
        <td><data value="${completed}">${count(completed)}</data></td>
        <td><data value="${failed}">${count(failed)}</data></td>
        ${seconds(waitP50)}${seconds(waitP95)}
      </tr>`,
  );
  return html`<details class="numbers" id="numbers">
    <summary>The last ${nameOf(range)} as a table</summary>
    <div
      class="scroll tall"
      id="numbers-scroll"
      tabindex="0"
      role="region"
      aria-label="The last ${nameOf(range)}, every ${duration(bucketSeconds)}"
    >
      <table class="figures">
        ${tableHead('From', 'Completed', 'Failed', 'Wait p50', 'Wait p95')}
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </details>`;
}

const clock = (at: Date) => at.toISOString().slice(11, 16);
const ticksOf = ({ buckets }: ThroughputHistory) => {
  const ticks = [0, 0.25, 0.5, 0.75].map((part) => buckets[Math.round(part * buckets.length)]?.at);
  return [...ticks.map((at) => (at ? clockTime(at) : '')), 'now'];
};
export const nameOf = (range: ThroughputHistory['range']) => (range === '1h' ? 'hour' : range.replace('h', ' hours'));
