import { html } from 'hono/html';
import { shortDuration } from '../../src/charts/duration.ts';
import { niceCeiling } from '../../src/charts/plot.ts';
import type { Comparison, Curve } from './peer-comparison.ts';

/** Units of the drawing. */
const WIDTH = 420;
const HEIGHT = 240;
const GAP = { left: 64, right: 20, top: 36, bottom: 44 };
const COLUMNS = 2;
const KEY_HEIGHT = 22;
const MOST = 8;
/** Light, dark: told apart by those who see few colours too, and by shape. */
const COLOURS = [
  ['#4a4a55', '#c9c9d4'],
  ['#0b65c2', '#6cb2ff'],
  ['#b3470a', '#ff9d5c'],
  ['#147a50', '#5fd3a0'],
  ['#8a2fb0', '#d59af5'],
  ['#a3153f', '#ff8aa8'],
  ['#7a6500', '#dcc84a'],
  ['#006f7a', '#5cd0dc'],
];
const STYLE = [
  'svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#22222a}.grid{stroke:#dcdce2}.axis{stroke:#77777f}',
  'path{fill:none;stroke-width:2}h2{font-weight:600}.head{font-weight:600}',
  ...COLOURS.map(([light], index) => `.s${index}{stroke:${light}}.m${index}{fill:${light}}`),
  '@media (prefers-color-scheme:dark){svg{background:#17171c}text{fill:#e6e6ec}.grid{stroke:#35353e}.axis{stroke:#8a8a94}',
  ...COLOURS.map(([, dark], index) => `.s${index}{stroke:${dark}}.m${index}{fill:${dark}}`),
  '}',
].join('');

/** p95 by throughput for each document: an SVG file, one line for each printer, milliseconds on a logarithmic scale. */
export async function comparisonPlot({ documents }: Comparison): Promise<string> {
  const names = (documents[0]?.curves ?? []).slice(0, MOST).map(({ name }) => name);
  const top = Math.ceil(names.length / COLUMNS) * KEY_HEIGHT + 10;
  const [width, height] = [COLUMNS * WIDTH, top + Math.ceil(documents.length / COLUMNS) * HEIGHT];
  const key = names.map((name, index) => {
    const [x, y] = place(index, { width: WIDTH, height: KEY_HEIGHT, top: 5 });
    return html`${marker(index, x + GAP.left, y + 11)}<text x="${x + GAP.left + 12}" y="${y + 15}">${name}</text>`;
  });
  const panels = documents.map(({ name, curves }, index) => {
    const [x, y] = place(index, { width: WIDTH, height: HEIGHT, top });
    return html`<g transform="translate(${x} ${y})">${panel(name, curves.slice(0, MOST))}</g>`;
  });
  return String(
    await html`<svg
  xmlns="http://www.w3.org/2000/svg"
  viewBox="0 0 ${width} ${height}"
  width="${width}"
  height="${height}"
  role="img"
  aria-label="p95 of the time to a PDF by documents a second"
>
  <style>${STYLE}</style>
  ${key}
  ${panels}
</svg>
`, // prettier-ignore
  );
}

function place(index: number, { width, height, top }: Record<'width' | 'height' | 'top', number>): [number, number] {
  return [(index % COLUMNS) * width, top + Math.floor(index / COLUMNS) * height];
}

function panel(name: string, curves: readonly Curve[]) {
  const lines = curves.map(({ open }) =>
    open.flatMap(({ rate, p95, load }) => (p95 === null ? [] : [{ rate, p95, load }])),
  );
  const points = lines.flat();
  const [right, bottom] = [WIDTH - GAP.right, HEIGHT - GAP.bottom];
  const most = niceCeiling(Math.max(0, ...points.map(({ rate }) => rate)));
  const powers = points.map(({ p95 }) => Math.log10(Math.max(p95, 0.1)));
  const [low, high] = points.length > 0 ? [Math.floor(Math.min(...powers)), Math.ceil(Math.max(...powers))] : [0, 1];
  const decades = Math.max(1, high - low);
  const x = (rate: number) => round(GAP.left + (rate / most) * (right - GAP.left));
  const y = (ms: number) => round(bottom - ((Math.log10(Math.max(ms, 0.1)) - low) / decades) * (bottom - GAP.top));
  const rows = Array.from({ length: decades + 1 }, (_, index) => 10 ** (low + index));
  const columns = [0, most / 2, most];
  const drawn = lines.map((line, index) => {
    const path = line.map(({ rate, p95 }, at) => `${at === 0 ? 'M' : 'L'}${x(rate)} ${y(p95)}`).join('');
    const markers = line.map(({ rate, p95, load }) => {
      const what = `${curves[index]?.name}, ${Math.round(load * 100)} %: ${rate.toFixed(1)}/s, p95 ${shortDuration(p95)}`;
      return html`<g><title>${what}</title>${marker(index, x(rate), y(p95))}</g>`;
    });
    return html`<path class="s${index}" d="${path}" />${markers}`;
  });
  return html`<text class="head" x="${GAP.left}" y="20">${name}</text>
    ${rows.map(
      (ms) =>
        html`<line class="grid" x1="${GAP.left}" x2="${right}" y1="${y(ms)}" y2="${y(ms)}" />
          <text x="${GAP.left - 8}" y="${y(ms) + 4}" text-anchor="end">${shortDuration(ms)}</text>`,
    )}
    ${columns.map((rate) => html`<text x="${x(rate)}" y="${bottom + 18}" text-anchor="middle">${rate}</text>`)}
    <line class="axis" x1="${GAP.left}" x2="${right}" y1="${bottom}" y2="${bottom}" />
    <text x="${right}" y="${bottom + 36}" text-anchor="end">documents a second</text>
    <text x="${GAP.left}" y="${bottom + 36}">up: p95</text>
    ${drawn}`;
}

/** A shape for each line: circle, square, diamond, triangle, in turn. */
function marker(index: number, x: number, y: number) {
  const shapes = [
    html`<circle class="m${index}" cx="${x}" cy="${y}" r="4" />`,
    html`<rect class="m${index}" x="${x - 4}" y="${y - 4}" width="8" height="8" />`,
    html`<polygon class="m${index}" points="${x},${y - 5} ${x + 5},${y} ${x},${y + 5} ${x - 5},${y}" />`,
    html`<polygon class="m${index}" points="${x},${y - 5} ${x + 5},${y + 4} ${x - 5},${y + 4}" />`,
  ];
  return shapes[index % shapes.length];
}

const round = (value: number) => Math.round(value * 10) / 10;
