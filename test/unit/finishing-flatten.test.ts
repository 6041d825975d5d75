import { expect, test } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { flattenPages } from '../../src/finishing/flatten/flatten-pages.ts';
import { withPdfium } from '../../src/finishing/pdfium.ts';
import { qpdf, runQpdf } from '../../src/finishing/qpdf.ts';
import { readPdf } from '../support/pdf.ts';
import { rawPdf, rawStream } from '../support/raw-pdf.ts';

const FONT = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>';

/** A form of these widgets, numbers 6 and further; each is 200 × 20 points if it does not say otherwise. */
function form(widgets: readonly (string | Uint8Array)[], { entries = '', catalog = '' } = {}): Uint8Array {
  const refs = widgets.flatMap((widget, index) => (typeof widget === 'string' ? [`${index + 6} 0 R`] : [])).join(' ');
  return rawPdf({
    catalog: `/AcroForm << /Fields [${refs}] /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv 5 0 R >> >> ${entries} >> ${catalog}`,
    page: `/Annots [${refs}]`,
    objects: [FONT, ...widgets],
  });
}

const widget = (entries: string, bottom = 200) =>
  `<< /Type /Annot /Subtype /Widget ${/\/Rect/.test(entries) ? '' : `/Rect [20 ${bottom} 220 ${bottom + 20}]`} /F 4 /P 3 0 R ${entries} >>`;

async function flat(bytes: Uint8Array): Promise<{ bytes: Uint8Array; text: string; plain: string }> {
  const [draft] = await flattenPages([new Draft({ bytes, pages: 1, isUploaded: true })]);
  const made = (await draft?.bytes()) ?? new Uint8Array();
  expect(await runQpdf(made, ['--check', '/in.pdf'])).toMatchObject({ status: 0 });
  const plain = Buffer.from(await qpdf(made, ['/in.pdf', '--qdf', '--object-streams=disable', '/out.pdf']));
  return { bytes: made, text: (await readPdf(made)).text.join(' '), plain: plain.toString('latin1') };
}

/** Share of the pixels of a part of the page (points, from below) that are dark. */
async function ink(bytes: Uint8Array, [left, bottom, right, top]: [number, number, number, number]): Promise<number> {
  const { rgba } = await withPdfium(bytes, (pdf) => pdf.picture(1, { width: 300, height: 300 }));
  let dark = 0;
  for (let y = 300 - top; y < 300 - bottom; y++)
    for (let x = left; x < right; x++) if ((rgba[(y * 300 + x) * 4] ?? 255) < 128) dark++;
  return dark / ((right - left) * (top - bottom));
}

test('values of fields without drawings become text of the page, and there is no form any more', async () => {
  const { text, plain } = await flat(
    form([
      widget('/FT /Tx /T (name) /V (Jane Doe)'),
      widget('/FT /Tx /T (utf) /V <FEFF00C400DF20AC>', 170), // Äß€
      widget('/FT /Ch /Ff 131072 /T (land) /V (de) /Opt [[(de) (Deutschland)] [(fr) (France)]]', 140),
      widget('/FT /Ch /T (list) /V (b) /Opt [(a) (b)] /Rect [20 90 220 130]'),
      widget('/FT /Tx /Ff 16777216 /MaxLen 8 /T (comb) /V (1234)', 60),
      widget('/FT /Tx /Ff 8192 /T (secret) /V (hidden)', 30),
    ]),
  );
  for (const shown of ['Jane Doe', 'Äß€', 'Deutschland', 'a', 'b', '******']) expect(text).toContain(shown);
  expect(text.replaceAll(/\s/g, '')).toContain('1234');
  expect(text).not.toContain('hidden');
  expect(plain).not.toMatch(/AcroForm|Widget/);
});

test('long text is wrapped within its field, and made smaller if the field leaves that open', async () => {
  const long = 'A long remark about something. '.repeat(20);
  const made = await flat(
    form([widget(`/FT /Tx /Ff 4096 /T (remark) /V (${long}) /DA (/Helv 0 Tf 0 g) /Rect [20 100 220 200]`)]),
  );
  expect(await ink(made.bytes, [20, 100, 220, 200])).toBeGreaterThan(0.02);
  expect(await ink(made.bytes, [221, 0, 300, 300])).toBe(0);
  expect(made.text.match(/remark/g)?.length).toBeGreaterThan(15);
});

test('buttons show their state, with a drawing and without', async () => {
  const on = rawStream('/Type /XObject /Subtype /Form /BBox [0 0 20 20]', '0 0 20 20 re f');
  const off = rawStream('/Type /XObject /Subtype /Form /BBox [0 0 20 20]', '');
  const button = (left: number, entries: string) => widget(`/FT /Btn /Rect [${left} 100 ${left + 20} 120] ${entries}`);
  const drawn = '/AP << /N << /Yes 11 0 R /Off 12 0 R >> >>';
  const { bytes } = await flat(
    form([
      button(20, `/T (a) /V /Yes /AS /Yes ${drawn}`),
      button(60, `/T (b) /V /Off /AS /Off ${drawn}`),
      button(100, '/T (c) /V /Yes /AS /Yes'),
      button(140, '/T (d) /V /Off /AS /Off'),
      button(180, '/T (e) /Ff 32768 /V /x /AS /x'),
      on,
      off,
    ]),
  );
  const states = await Promise.all([20, 60, 100, 140, 180].map((left) => ink(bytes, [left, 100, left + 20, 120])));
  expect(states[0]).toBeGreaterThan(0.9);
  expect([states[1], states[3]]).toEqual([0, 0]);
  expect(states[2]).toBeGreaterThan(0.05);
  expect(states[4]).toBeGreaterThan(0.1);
});

test('drawings that the form calls stale are replaced, others are kept', async () => {
  const old = rawStream(`/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F 5 0 R >> >>`, 'BT /F 12 Tf 2 5 Td (before) Tj ET'); // prettier-ignore
  const field = widget('/FT /Tx /T (name) /V (after) /AP << /N 7 0 R >>');
  expect((await flat(form([field, old]))).text).toContain('before');
  const renewed = (await flat(form([field, old], { entries: '/NeedAppearances true' }))).text;
  expect(renewed).toContain('after');
  expect(renewed).not.toContain('before');
  const foreign = widget('/FT /Tx /T (name) /V <FEFF4E2D6587> /AP << /N 7 0 R >>');
  expect((await flat(form([foreign, old], { entries: '/NeedAppearances true' }))).text).toContain('before');
});

test('a value that there is no font for is refused by the name of its field', async () => {
  const bytes = form([widget('/FT /Tx /T (city) /V <FEFF4E2D6587>')]);
  await expect(flat(bytes)).rejects.toMatchObject({
    code: 'finishing_invalid',
    message: expect.stringMatching(/^finishing\.flatten: the form field "city" .*"中" \(U\+4E2D\); allowed: /),
  });
});

test('links stay links, notes are drawn, hidden ones are not', async () => {
  const square = rawStream('/Type /XObject /Subtype /Form /BBox [0 0 20 20]', '0 0 20 20 re f');
  const { bytes, plain } = await flat(
    rawPdf({
      page: '/Annots [5 0 R 6 0 R 7 0 R 8 0 R 9 0 R]',
      objects: [
        '<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Dest [3 0 R /Fit] >>',
        '<< /Type /Annot /Subtype /Link /Rect [0 20 9 29] /A << /S /URI /URI (https://example.com) >> >>',
        '<< /Type /Annot /Subtype /Square /Rect [100 100 120 120] /F 4 /AP << /N 10 0 R >> >>',
        '<< /Type /Annot /Subtype /Square /Rect [200 100 220 120] /F 2 /AP << /N 10 0 R >> >>',
        '<< /Type /Annot /Subtype /Popup /Rect [200 200 220 220] >>',
        square,
      ],
    }),
  );
  expect(plain.match(/\/Subtype \/Link/g)).toHaveLength(2);
  expect(plain).toMatch(/\/Fit/);
  expect(plain).not.toMatch(/\/Square|\/Popup/);
  expect(await ink(bytes, [100, 100, 120, 120])).toBe(1);
  expect(await ink(bytes, [200, 100, 220, 120])).toBe(0);
});

test('tags of what has gone are taken out, others stay', async () => {
  const objr = (number: number) => `/K [<< /Type /OBJR /Obj ${number} 0 R /Pg 3 0 R >>]`;
  const { plain } = await flat(
    rawPdf({
      catalog: '/StructTreeRoot 5 0 R /AcroForm << /Fields [9 0 R] >>',
      page: '/Annots [9 0 R 10 0 R]',
      objects: [
        '<< /Type /StructTreeRoot /K [6 0 R] /ParentTree << /Nums [1 7 0 R 2 8 0 R] >> >>',
        '<< /Type /StructElem /S /Document /P 5 0 R /K [7 0 R 8 0 R] >>',
        `<< /Type /StructElem /S /Form /P 6 0 R ${objr(9)} >>`,
        `<< /Type /StructElem /S /Link /P 6 0 R ${objr(10)} >>`,
        widget('/FT /Tx /T (name) /V (x) /StructParent 1'),
        '<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /StructParent 2 >>',
      ],
    }),
  );
  expect(plain.match(/\/OBJR/g)).toHaveLength(1);
  expect(plain).toMatch(/\/S \/Link/);
  expect(plain).not.toMatch(/\/S \/Form/);
});

test('a PDF without anything to flatten is not touched', async () => {
  const bytes = rawPdf({ page: '/Annots [5 0 R]', objects: ['<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] >>'] });
  const [draft] = await flattenPages([new Draft({ bytes, pages: 1 })]);
  expect(Buffer.compare((await draft?.bytes()) ?? bytes.subarray(1), bytes)).toBe(0);
});
