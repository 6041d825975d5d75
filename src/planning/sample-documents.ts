import { seededRandom } from './seeded-random.ts';
import type { Share } from './shares.ts';

/** Bodies made of each kind beforehand: no two neighbours alike, and no time spent on it under load. */
const VARIANTS = 16;

type Builder = (random: () => number) => string;

const BUILDERS = { invoice, ticket, report } satisfies Record<string, Builder>;

/** What a `--mix` can name. */
export const DOCUMENT_KINDS = Object.keys(BUILDERS);

/**
 * Bodies of `POST /v1/jobs`, drawn by their shares.
 * @returns the body for a number from 0 up to 1
 */
export function sampleDocuments(mix: readonly Share[]): (number: number) => Buffer {
  const sum = mix.reduce((so, { share }) => so + share, 0);
  const random = seededRandom(1);
  const kinds = mix.map(({ name, share }) => ({
    part: share / sum,
    bodies: Array.from({ length: VARIANTS }, () => {
      const html = BUILDERS[name as keyof typeof BUILDERS](random);
      return Buffer.from(JSON.stringify({ html, options: { format: 'A4' }, filename: `${name}.pdf` }));
    }),
  }));
  return (number) => {
    let rest = number;
    for (const { part, bodies } of kinds) {
      const body = bodies[Math.floor((rest / part) * bodies.length)];
      if (body) return body;
      rest -= part;
    }
    return kinds.at(-1)?.bodies[0] ?? Buffer.alloc(0); // a rounding error beyond the last
  };
}

const WORDS = 'amber birch cedar delta ember fjord grove harbour iris juniper kestrel lagoon meadow north'.split(' ');
const word = (random: () => number) => WORDS[Math.floor(random() * WORDS.length)] ?? '';
const title = (random: () => number) => word(random).replace(/^./, (letter) => letter.toUpperCase());
const whole = (random: () => number, from: number, to: number) => from + Math.floor(random() * (to - from + 1));
const money = (cents: number) => (cents / 100).toFixed(2);
const repeat = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join('');

const page = (head: string, body: string) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>*{box-sizing:border-box}body{font:14px/1.5 sans-serif;color:#223;margin:0}${head}</style></head><body>${body}</body></html>`;

/** One page: an address, some lines, a sum. */
function invoice(random: () => number): string {
  const lines = Array.from({ length: whole(random, 6, 14) }, () => ({
    name: `${title(random)} ${word(random)}`,
    pieces: whole(random, 1, 9),
    cents: whole(random, 199, 19_999),
  }));
  const net = lines.reduce((sum, { pieces, cents }) => sum + pieces * cents, 0);
  return page(
    `body{padding:48px}h1{font-size:28px;margin:0 0 4px;color:#0a5}header{display:flex;justify-content:space-between;margin-bottom:40px}table{width:100%;border-collapse:collapse}th{text-align:left;border-bottom:2px solid #0a5}td,th{padding:8px 6px}td{border-bottom:1px solid #dde}td+td,th+th{text-align:right}.sum{margin:24px 0 0 auto;width:260px;padding:14px 18px;border-radius:8px;background:#f1f8f4;text-align:right}`,
    `<header><div><h1>Invoice ${whole(random, 1000, 99_999)}</h1>Due in 14 days</div><address>${title(random)} ${title(random)}<br>${whole(random, 1, 200)} ${title(random)} Street<br>${whole(random, 10_000, 99_999)} ${title(random)}</address></header>
<table><thead><tr><th>Item</th><th>Pieces</th><th>Each</th><th>Total</th></tr></thead><tbody>${lines
      .map(
        ({ name, pieces, cents }) =>
          `<tr><td>${name}</td><td>${pieces}</td><td>${money(cents)}</td><td>${money(pieces * cents)}</td></tr>`,
      )
      .join('')}</tbody></table>
<p class="sum">Net ${money(net)}<br>VAT 20 % ${money(Math.round(net / 5))}<br><b>To pay ${money(net + Math.round(net / 5))}</b></p>`,
  );
}

/** One page: colours, a gradient, a code of 21 × 21 squares. */
function ticket(random: () => number): string {
  const squares = repeat(441, (i) => (random() < 0.5 ? '' : `M${i % 21} ${Math.floor(i / 21)}h1v1h-1z`));
  return page(
    `body{padding:40px}.card{display:flex;border-radius:18px;overflow:hidden;border:1px solid #ccd}.main{flex:1;padding:28px;color:#fff;background:linear-gradient(120deg,#3b2a7a,#b0356f)}.stub{width:200px;padding:24px;text-align:center}h1{margin:0;font-size:34px}dl{display:grid;grid-template-columns:repeat(3,1fr);gap:6px 18px;margin:36px 0 0}dt{font-size:11px;opacity:.8}dd{margin:0;font-size:18px;font-weight:bold}`,
    `<div class="card"><div class="main"><h1>${title(random)} &amp; the ${title(random)}s</h1><p>${title(random)} Hall, doors at ${whole(random, 17, 21)}:30</p><dl><dt>Row</dt><dt>Seat</dt><dt>Gate</dt><dd>${whole(random, 1, 40)}</dd><dd>${whole(random, 1, 60)}</dd><dd>${title(random)[0]}</dd></dl></div><div class="stub"><svg viewBox="0 0 21 21" width="150" height="150" role="img" aria-label="Code"><path d="${squares}"/></svg><p>${whole(random, 100_000, 999_999)}</p></div></div>`,
  );
}

/** Some pages of one long table. */
function report(random: () => number): string {
  const columns = ['Region', 'Product', 'Orders', 'Returns', 'Revenue', 'Change'];
  return page(
    `body{padding:32px;font-size:11px}h1{font-size:22px}table{width:100%;border-collapse:collapse}thead{display:table-header-group}th{text-align:left;background:#234;color:#fff}td,th{padding:5px 8px}tr:nth-child(even) td{background:#f3f5f8}tr{break-inside:avoid}td:nth-child(n+3){text-align:right}`,
    `<h1>${title(random)} report</h1><p>Of ${whole(random, 3, 9)} regions, by product.</p><table><thead><tr>${columns.map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>${repeat(
      whole(random, 120, 180),
      () =>
        `<tr><td>${title(random)}</td><td>${word(random)} ${word(random)}</td><td>${whole(random, 1, 900)}</td><td>${whole(random, 0, 30)}</td><td>${money(whole(random, 1_000, 9_999_999))}</td><td>${whole(random, -30, 60)} %</td></tr>`,
    )}</tbody></table>`,
  );
}
