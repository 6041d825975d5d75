import { escapeHtml } from './escape-html.ts';

interface Series {
  name: string;
  /** of the page's colours: `a`, `b`, `c`, `bad`, `faint` */
  colour: string;
  /** from the left to the right, evenly; null: there is nothing to show */
  values: readonly (number | null)[];
  isFilled?: boolean;
}

interface Plot {
  title: string;
  /** what a value is for people */
  shown: (value: number) => string;
  /** at which part of the width, 0 to 1 */
  marks: readonly { at: number; text: string }[];
}

interface LinePlot extends Plot {
  series: readonly Series[];
  /** of a place on the horizontal axis */
  placeName: (index: number) => string;
}

interface BarPlot extends Plot {
  bars: readonly { name: string; value: number }[];
}

/**
 * The drawing stretches to whatever room there is, so words are not in it but around it, and are
 * as large on a phone as anywhere.
 */
export function linePlot({ title, series, marks, placeName, shown }: LinePlot): string {
  const places = Math.max(...series.map(({ values }) => values.length));
  const { top, ticks } = scale(Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const x = (index: number) => coordinate((100 * (index + 0.5)) / places);
  const y = (value: number) => coordinate(100 - (100 * value) / top);
  const drawn = series.map(({ colour, values, isFilled }) => {
    const runs = runsOf(values);
    const line = (run: Run) => run.map(({ index, value }) => `${x(index)} ${y(value)}`).join('L');
    const areas = isFilled
      ? runs.map(
          (run) =>
            `<path class="area ${colour}" d="M${x(run[0]?.index ?? 0)} 100L${line(run)}L${x(run.at(-1)?.index ?? 0)} 100Z"/>`,
        )
      : [];
    // A point by itself is a line of no length, which is drawn as a dot.
    const lines = runs.map(
      (run) =>
        `<path class="line ${colour}${run.length === 1 ? ' dot' : ''}" d="M${line(run)}${run.length === 1 ? 'h0' : ''}"/>`,
    );
    return [...areas, ...lines].join('');
  });
  const hints = Array.from({ length: places }, (_, index) => {
    const values = series.map(({ name, values }) => {
      const value = values[index] ?? null;
      return `${name}: ${value === null ? '–' : shown(value)}`;
    });
    return hint(index, places, [placeName(index), ...values].join('\n'));
  });
  const legend = series
    .map(({ name, colour }) => `<span class="key"><i class="${colour}"></i>${escapeHtml(name)}</span>`)
    .join('');
  return figure({ title, legend, ticks, top, shown, marks, drawing: drawn.join('') + hints.join('') });
}

export function barPlot({ title, bars, marks, shown }: BarPlot): string {
  const { top, ticks } = scale(Math.max(...bars.map(({ value }) => value)));
  const width = 100 / bars.length;
  const drawn = bars.map(({ name, value }, index) => {
    const height = (100 * value) / top;
    const rect = `x="${coordinate(index * width + width * 0.1)}" y="${coordinate(100 - height)}" width="${coordinate(width * 0.8)}" height="${coordinate(height)}"`;
    return `<rect class="bar a" ${rect}/>${hint(index, bars.length, `${name}\n${shown(value)}`)}`;
  });
  return figure({ title, legend: '', ticks, top, shown, marks, drawing: drawn.join('') });
}

type Run = { index: number; value: number }[];

/** Neighbours that are there. */
function runsOf(values: readonly (number | null)[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const [index, value] of values.entries()) {
    if (value === null) run = undefined;
    else if (run) run.push({ index, value });
    else runs.push((run = [{ index, value }]));
  }
  return runs;
}

/** Round numbers up to the first that holds the largest value. */
function scale(largest: number): { top: number; ticks: number[] } {
  const rough = (largest || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10);
  const count = Math.ceil((largest || 1) / step - 1e-9);
  return { top: step * count, ticks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

const coordinate = (value: number) => Math.round(value * 100) / 100;

/** An invisible column that says its values to whoever points at it. */
const hint = (index: number, places: number, text: string) =>
  `<rect class="hint" x="${coordinate((100 * index) / places)}" y="0" width="${coordinate(100 / places)}" height="100"><title>${escapeHtml(text)}</title></rect>`;

function figure(parts: Plot & { legend: string; ticks: number[]; top: number; drawing: string }): string {
  const { title, legend, ticks, top, shown, marks, drawing } = parts;
  const bottom = (value: number) => coordinate((100 * value) / top);
  const lines = ticks.map((tick) => `<path class="grid" d="M0 ${100 - bottom(tick)}H100"/>`).join('');
  return `<figure><figcaption><b>${escapeHtml(title)}</b>${legend}</figcaption>
<div class="plot"><div class="y" aria-hidden="true">${ticks.map((tick) => `<span style="bottom:${bottom(tick)}%">${escapeHtml(shown(tick))}</span>`).join('')}</div>
<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(title)}">${lines}${drawing}</svg>
<div class="x" aria-hidden="true">${marks.map(({ at, text }) => `<span style="left:${coordinate(100 * at)}%">${escapeHtml(text)}</span>`).join('')}</div></div></figure>`;
}
