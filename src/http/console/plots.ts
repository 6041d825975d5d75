import { html } from 'hono/html';
import type { HistoryBucket, ThroughputHistory } from '../../jobs/throughput-history.ts';
import { count, counted, duration, type Html } from './figures.ts';

/*
 * Drawn on the server, as SVG that is stretched to its place: what must not be stretched (words, the width of
 * lines) is HTML around it, or says so. Nothing is told by colour or shape alone: each plot has a title with its
 * figures, and `historyTable` has all of them.
 */

/** Units of the drawing: the width of a bucket, the height of everything. */
const STEP = 10;
const HEIGHT = 100;

/** The next of 1, 2, 4, 6, 8, 10, 20, 40, …: half of it is a short number too. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}

/** Of all buckets together. */
export function totalsOf({ buckets }: ThroughputHistory): Pick<HistoryBucket, 'completed' | 'failed'> {
  const sum = (of: (bucket: HistoryBucket) => number) => buckets.reduce((total, each) => total + of(each), 0);
  return { completed: sum(({ completed }) => completed), failed: sum(({ failed }) => failed) };
}

/** How many jobs were completed, and failed, in each bucket: one bar upon the other. */
export function throughputPlot(history: ThroughputHistory): Html {
  const { buckets, range, bucketSeconds } = history;
  const { completed: done, failed: lost } = totalsOf(history);
  const most = Math.max(0, ...buckets.map(({ completed, failed }) => completed + failed));
  const top = Math.max(niceCeiling(most), 4);
  const title = `Throughput of the last ${nameOf(range)}: ${count(done)} completed, ${count(lost)} failed, at most ${counted(most, 'job')} in ${duration(bucketSeconds)}`;
  const height = (jobs: number) => (jobs === 0 ? 0 : Math.max(1, (jobs / top) * HEIGHT));
  const bars = buckets.map(({ completed, failed }, index) => {
    const [lower, upper] = [height(completed), height(failed)];
    const bar = (name: string, y: number, size: number) =>
      size > 0 &&
      html`<rect
        class="${name}"
        x="${index * STEP + 1}"
        y="${round(y)}"
        width="${STEP - 2}"
        height="${round(size)}"
      />`;
    return [bar('bar-completed', HEIGHT - lower, lower), bar('bar-failed', HEIGHT - lower - upper, upper)];
  });
  return figure(history, {
    id: 'throughput',
    heading: 'Throughput',
    title,
    top: count(top),
    middle: count(top / 2),
    legend: [
      { name: 'completed', word: 'completed' },
      { name: 'failed', word: 'failed' },
    ],
    unit: `jobs in ${duration(bucketSeconds)}`,
    drawing: html`${bars}`,
    tip: ({ completed, failed }) => `${count(completed)} completed, ${count(failed)} failed`,
  });
}

/** How long jobs had waited that ended in each bucket: the middle, and what one of twenty exceeds. */
export function waitPlot(history: ThroughputHistory): Html {
  const { buckets, range } = history;
  const worst = (of: (bucket: HistoryBucket) => number | null) => Math.max(...buckets.map((each) => of(each) ?? -1));
  const [p50, p95] = [worst(({ waitP50 }) => waitP50), worst(({ waitP95 }) => waitP95)];
  const top = niceCeiling(Math.max(0.01, p95));
  const line = (name: string, of: (bucket: HistoryBucket) => number | null) =>
    html`<path class="${name}" d="${steps(buckets.map(of), top)}" />`;
  return figure(history, {
    id: 'wait',
    heading: 'Wait',
    title: `Wait until the start in the last ${nameOf(range)}: ${
      p95 < 0 ? 'nothing has ended' : `p50 at most ${duration(p50)}, p95 at most ${duration(p95)}`
    }`,
    top: tick(top),
    middle: tick(top / 2),
    legend: [
      { name: 'p95', word: 'p95' },
      { name: 'p50', word: 'p50' },
    ],
    unit: 'from acceptance to start',
    drawing: html`${line('line-p95', ({ waitP95 }) => waitP95)}${line('line-p50', ({ waitP50 }) => waitP50)}`,
    tip: ({ waitP50, waitP95 }) =>
      waitP50 === null ? 'nothing ended' : `p50 ${duration(waitP50)}, p95 ${duration(waitP95 ?? 0)}`,
  });
}

/** All that is in the plots, to be read. */
export function historyTable({ buckets, range, bucketSeconds }: ThroughputHistory): Html {
  const seconds = (value: number | null) =>
    value === null ? html`<td>–</td>` : html`<td><data value="${value.toFixed(6)}">${duration(value)}</data></td>`;
  const rows = buckets.map(
    ({ at, completed, failed, waitP50, waitP95 }) =>
      html`<tr>
        <th scope="row"><time datetime="${at.toISOString()}">${clock(at)}</time></th>
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
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Completed</th>
            <th scope="col">Failed</th>
            <th scope="col">Wait p50</th>
            <th scope="col">Wait p95</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </details>`;
}

interface Figure {
  id: string;
  heading: string;
  title: string;
  /** at the ends of the scale */
  top: string;
  middle: string;
  legend: { name: string; word: string }[];
  unit: string;
  drawing: Html;
  tip: (bucket: HistoryBucket) => string;
}

function figure({ buckets }: ThroughputHistory, parts: Figure): Html {
  const { id, heading, title, top, middle, legend, unit, drawing, tip } = parts;
  const width = buckets.length * STEP;
  const grid = [0, HEIGHT / 2, HEIGHT].map((y) => html`<line class="grid" x1="0" y1="${y}" x2="${width}" y2="${y}" />`);
  const tips = buckets.map(
    (bucket, index) =>
      html`<rect class="tip" x="${index * STEP}" y="0" width="${STEP}" height="${HEIGHT}"
        ><title>${clock(bucket.at)}: ${tip(bucket)}</title></rect
      >`,
  );
  const ticks = [0, 0.25, 0.5, 0.75].map((part) => buckets[Math.round(part * buckets.length)]?.at);
  return html`<figure class="plot">
    <figcaption>
      <h3>${heading}</h3>
      <span class="unit">${unit}</span>
      <span class="legend">${legend.map(({ name, word }) => html`<span class="key key-${name}">${word}</span>`)}</span>
    </figcaption>
    <div class="plot-area">
      <div class="scale" aria-hidden="true"><span>${top}</span><span>${middle}</span><span>0</span></div>
      <svg
        role="img"
        aria-labelledby="${id}-title"
        viewBox="0 0 ${width} ${HEIGHT}"
        preserveAspectRatio="none"
        focusable="false"
      >
        <title id="${id}-title">${title}</title>
        ${grid}${drawing}${tips}
      </svg>
      <div class="ticks" aria-hidden="true">
        ${ticks.map((at) => html`<span>${at && clock(at)}</span>`)}<span>now</span>
      </div>
    </div>
  </figure>`;
}

/** A horizontal stroke for each bucket with a value, joined to that of the one before if it has one too. */
function steps(values: (number | null)[], top: number): string {
  let path = '';
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const y = round(HEIGHT - (value / top) * HEIGHT);
    const isJoined = index > 0 && values[index - 1] !== null;
    path += `${isJoined ? 'V' : `M${index * STEP} `}${y}H${(index + 1) * STEP}`;
  }
  return path;
}

/** `20 s`, not `20.0 s` */
const tick = (seconds: number) => duration(seconds).replace(/\.0+ /, ' ');
const round = (value: number) => Math.round(value * 100) / 100;
const clock = (at: Date) => at.toISOString().slice(11, 16);
export const nameOf = (range: ThroughputHistory['range']) => (range === '1h' ? 'hour' : range.replace('h', ' hours'));
