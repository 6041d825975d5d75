import { expect, test } from 'vitest';
import { PDF } from '../../src/finishing/libpdf.ts';
import { savedCopy, withPdfium } from '../../src/finishing/pdfium.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';

const RED = { type: 'RGB', red: 1, green: 0, blue: 0 } as const;

/** A page of 100 × 50 points with a red square of 10 points at its lower left corner. */
async function sample(): Promise<Uint8Array> {
  const pdf = PDF.create();
  pdf.addPage({ width: 100, height: 50 }).drawRectangle({ x: 0, y: 0, width: 10, height: 10, color: RED });
  return pdf.save();
}

const colourAt = ({ rgba, width }: { rgba: Uint8Array; width: number }, x: number, y: number) => [
  ...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
];

test('a page becomes pixels, red first, on white', async () => {
  const picture = await withPdfium(await sample(), (pdf) => {
    expect(pdf.pages).toBe(1);
    expect(pdf.sizeOf(1)).toEqual({ width: 100, height: 50 });
    return pdf.picture(1, { width: 200, height: 100 });
  });
  expect(picture.rgba).toHaveLength(200 * 100 * 4);
  expect(colourAt(picture, 5, 95)).toEqual([255, 0, 0, 255]);
  expect(colourAt(picture, 5, 5)).toEqual([255, 255, 255, 255]);
});

test('a copy of a PDF whose cross-reference table is lost is whole', async () => {
  const plain = Buffer.from(await qpdf(await sample(), ['--object-streams=disable', '/in.pdf', '/out.pdf']));
  const damaged = Buffer.from(plain.toString('latin1').replace(/xref\n0[^t]*(?=trailer)/, ''), 'latin1');
  expect(damaged.byteLength).toBeLessThan(plain.byteLength);
  const copy = await savedCopy(damaged);
  await expect(qpdf(copy, ['--check', '/in.pdf'], { output: '/in.pdf' })).resolves.toEqual(copy);
  expect(await withPdfium(copy, (pdf) => pdf.pages)).toBe(1);
});

test('it says why a PDF does not open', async () => {
  const encrypted = await qpdf(await sample(), ['--encrypt', 'secret', 'owner', '256', '--', '/in.pdf', '/out.pdf']);
  await expect(savedCopy(encrypted)).rejects.toMatchObject({ name: 'PdfiumFailed', reason: 'password' });
  await expect(savedCopy(encrypted, { password: 'secret' })).resolves.toBeInstanceOf(Uint8Array);
  await expect(savedCopy(Buffer.from('no PDF'))).rejects.toMatchObject({ reason: 'damaged' });
  await expect(withPdfium(await sample(), (pdf) => pdf.sizeOf(2))).rejects.toMatchObject({ reason: 'damaged' });
});

test('what is out of its memory is a crash, and harms no other document', async () => {
  const huge = { width: 60_000, height: 60_000 };
  await expect(withPdfium(await sample(), (pdf) => pdf.picture(1, huge))).rejects.toMatchObject({ reason: 'crashed' });
  expect(await withPdfium(await sample(), (pdf) => pdf.pages)).toBe(1);
});
