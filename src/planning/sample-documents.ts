import { seededRandom } from './seeded-random.ts';
import { fractionsOf, type Share } from './shares.ts';

type Random = () => number;

/** Documents of the kinds that most services print, without scripts. Their words and numbers come from `random`. */
export const SAMPLE_DOCUMENTS: Readonly<Record<string, (random: Random) => string>> = {
  /** one page: an address, a table, a total */
  invoice: (random) => {
    const lines = Array.from({ length: whole(random, 8, 14) }, () => ({
      name: words(random, 2),
      count: whole(random, 1, 9),
      price: whole(random, 199, 19_999) / 100,
    }));
    const total = lines.reduce((sum, { count, price }) => sum + count * price, 0);
    return page(
      'body{padding:32px}.box{padding:30px;border:1px solid #eee;box-shadow:0 0 10px rgba(0,0,0,.15)}',
      `<div class="box"><h1>Invoice ${whole(random, 1_000, 99_999)}</h1>
<address>${words(random, 2)}<br>${whole(random, 1, 200)} ${words(random, 1)} Street</address>
${table(lines.map(({ name, count, price }) => [name, count, price.toFixed(2), (count * price).toFixed(2)]))}
<p>Total ${total.toFixed(2)}, due in 14 days</p></div>`,
    );
  },
  /** one page with an image of 400 KB, the size of logos, photographs and fonts */
  ticket: (random) =>
    page(
      '.ticket{width:640px;border:2px dashed #888;border-radius:24px;padding:24px}',
      `<div class="ticket"><h1>${words(random, 2)}</h1><img src="${bitmap(random)}" width="360" alt="">
<p>Row ${whole(random, 1, 40)}, seat ${whole(random, 1, 60)}</p></div>`,
    ),
  /** about fifty pages of one table */
  report: (random) =>
    page(
      'tr:nth-child(even){background:#f4f4f4}',
      `<h1>Ledger of ${words(random, 1)}</h1>${table(
        Array.from({ length: 1_900 }, (_, index) => [index + 1, words(random, 2), (random() * 1_000).toFixed(2)]),
      )}`,
    ),
};

/** Bodies built in advance for each kind, so that requests differ and none is built while load is measured. */
const VARIANTS = 16;

/**
 * Bodies of `POST /v1/jobs`, drawn by their shares.
 * @returns the body for a number from 0 up to 1
 */
export function sampleRequests(mix: readonly Share[]): (number: number) => Buffer {
  const random = seededRandom(1);
  const kinds = fractionsOf(mix).map(({ name, share }) => ({
    share,
    bodies: Array.from({ length: VARIANTS }, () => {
      const html = SAMPLE_DOCUMENTS[name]?.(random);
      return Buffer.from(JSON.stringify({ html, options: { format: 'A4' }, filename: `${name}.pdf` }));
    }),
  }));
  return (number) => {
    let rest = number;
    for (const { share, bodies } of kinds) {
      const body = bodies[Math.floor((rest / share) * bodies.length)];
      if (body) return body;
      rest -= share;
    }
    return kinds.at(-1)?.bodies[0] ?? Buffer.alloc(0); // rounding left the number past the last share
  };
}

const WORDS = 'amber birch cedar delta ember fjord grove harbour iris juniper kestrel lagoon meadow north'.split(' ');
const words = (random: Random, count: number) =>
  Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
const whole = (random: Random, from: number, to: number) => from + Math.floor(random() * (to - from + 1));

const page = (style: string, body: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>
body{font:16px/1.5 Helvetica,Arial,sans-serif;color:#444}table{width:100%;border-collapse:collapse}td{padding:4px;border-bottom:1px solid #eee}
${style}</style></head><body>${body}</body></html>`;

const table = (rows: (string | number)[][]) =>
  `<table>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`;

/** The header of a BMP of 360 × 360 pixels, 24 bits each. A BMP can be written without a library. */
const BMP_HEADER = '424df6ee05000000000036000000280000006801000068010000010018'.padEnd(108, '0');

/** An image of noise, which does not compress. */
function bitmap(random: Random): string {
  const pixels = Buffer.from(new Uint32Array((360 * 360 * 3) / 4).map(() => random() * 2 ** 32).buffer);
  return `data:image/bmp;base64,${Buffer.concat([Buffer.from(BMP_HEADER, 'hex'), pixels]).toString('base64')}`;
}
