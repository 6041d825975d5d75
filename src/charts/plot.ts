import { html } from 'hono/html';

type Html = ReturnType<typeof html>;

/** Values from left to right; null where there is none. `name` is part of the class and has its colour in the page's CSS. */
interface Series {
  name: string;
  values: readonly (number | null)[];
}

interface Plot {
  id: string;
  heading: string;
  /** the figures in words: the accessible name of the drawing */
  title: string;
  unit: string;
  legend: readonly { name: string; word: string }[];
  /** the values at the top and in the middle of the vertical axis */
  scale: readonly [top: string, middle: string];
  /** evenly spaced below the horizontal axis */
  ticks: readonly (string | Html)[];
  /** one tooltip for each column */
  tips: readonly string[];
  /** those with whose hours and minutes in UTC the tooltips begin: a script may show them in local time */
  times?: readonly Date[];
  drawing: Html;
}

/** Units of the drawing: the width of a column, and the height of everything. */
const STEP = 10;
const HEIGHT = 100;

/** The next of 1, 2, 4, 6, 8, 10, 20, 40, …: half of it is a short number too. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}

/** A bar for each column, the series stacked from the bottom. A value above 0 is always visible. */
export function bars(series: readonly Series[], top: number): Html {
  const columns = series[0]?.values.map((_, index) => {
    let y = HEIGHT;
    return series.map(({ name, values }) => {
      const value = values[index] ?? 0;
      const height = value > 0 ? Math.max(1, (value / top) * HEIGHT) : 0;
      y -= height;
      const [x, width] = [index * STEP + 1, STEP - 2];
      return (
        height > 0 &&
        html`<rect class="bar-${name}" x="${x}" y="${round(y)}" width="${width}" height="${round(height)}" />`
      );
    });
  });
  return html`${columns}`;
}

/** A horizontal line for each column with a value, joined to the previous column's if that has one too. */
export function steps({ name, values }: Series, top: number): Html {
  let path = '';
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const y = round(HEIGHT - (value / top) * HEIGHT);
    const isJoined = index > 0 && values[index - 1] !== null;
    path += `${isJoined ? 'V' : `M${index * STEP} `}${y}H${(index + 1) * STEP}`;
  }
  return html`<path class="line-${name}" d="${path}" />`;
}

/** SVG that stretches to the available room; text, which must not stretch, is HTML around it. */
export function plot({ id, heading, title, unit, legend, scale, ticks, tips, times = [], drawing }: Plot): Html {
  const width = tips.length * STEP;
  const grid = [0, HEIGHT / 2, HEIGHT].map((y) => html`<line class="grid" x1="0" y1="${y}" x2="${width}" y2="${y}" />`);
  const columns = tips.map((tip, index) => {
    const at = times[index] && html` data-time="${times[index].toISOString()}"`;
    const title = html`<title>${tip}</title>`;
    return html`<rect class="tip" x="${index * STEP}" y="0" width="${STEP}" height="${HEIGHT}" ${at}>${title}</rect>`;
  });
  return html`<figure class="plot">
    <figcaption>
      <h3>${heading}</h3>
      <span class="unit">${unit}</span>
      <span class="legend">${legend.map(({ name, word }) => html`<span class="key key-${name}">${word}</span>`)}</span>
    </figcaption>
    <div class="plot-area">
      <div class="scale" aria-hidden="true"><span>${scale[0]}</span><span>${scale[1]}</span><span>0</span></div>
      <svg
        role="img"
        aria-labelledby="${id}-title"
        viewBox="0 0 ${width} ${HEIGHT}"
        preserveAspectRatio="none"
        focusable="false"
      >
        <title id="${id}-title">${title}</title>
        ${grid}${drawing}${columns}
      </svg>
      <div class="ticks" aria-hidden="true">${ticks.map((tick) => html`<span>${tick}</span>`)}</div>
    </div>
  </figure>`;
}

const round = (value: number) => Math.round(value * 100) / 100;
