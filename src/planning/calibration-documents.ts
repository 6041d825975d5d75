import { seededRandom } from './seeded-random.ts';

/** Documents to calibrate with, of the kinds that most services print. Without scripts, the same each time. */
export const CALIBRATION_DOCUMENTS: Readonly<Record<string, () => string>> = {
  /** one page with a table and a shadow */
  invoice: () =>
    page(
      `.box { max-width: 800px; padding: 30px; border: 1px solid #eee; box-shadow: 0 0 10px rgba(0, 0, 0, 0.15) }`,
      `<div class="box"><h1>Invoice 4711</h1>${table(12)}<p>Thank you.</p></div>`,
    ),
  /** one page with an image of 400 KB, as logos, photographs and fonts come */
  ticket: () =>
    page(
      `.ticket { width: 640px; border: 2px dashed #888; border-radius: 24px; padding: 24px }`,
      `<div class="ticket"><h1>Admit one</h1><img src="${bitmap(360)}" width="360"><p>Row 12, seat 7</p></div>`,
    ),
  /** some fifty pages of a table */
  report: () => page('tr:nth-child(even) { background: #f4f4f4 }', `<h1>Ledger</h1>${table(1_900)}`),
};

function page(style: string, body: string): string {
  return `<!doctype html><html><head><meta charset="utf-8"><title>Sample</title><style>
body { font: 16px/1.5 Helvetica, Arial, sans-serif; color: #444 }
table { width: 100%; border-collapse: collapse } td { padding: 4px; border-bottom: 1px solid #eee }
${style}</style></head><body>${body}</body></html>`;
}

function table(rows: number): string {
  const random = seededRandom(1);
  const row = (_: unknown, index: number) =>
    `<tr><td>${index + 1}</td><td>Position ${Math.floor(random() * 10_000)}</td><td>${(random() * 1_000).toFixed(2)}</td></tr>`;
  return `<table>${Array.from({ length: rows }, row).join('')}</table>`;
}

/** A square image of noise, which nothing can compress, in the one format that needs no library. */
function bitmap(side: number): string {
  const random = seededRandom(2);
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + side * side * 3, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(side, 18);
  header.writeInt32LE(side, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  const pixels = Buffer.from(Uint8Array.from({ length: side * side * 3 }, () => random() * 256)); // a multiple of 4 a row
  return `data:image/bmp;base64,${Buffer.concat([header, pixels]).toString('base64')}`;
}
