import { expect, test } from 'vitest';
import { parsePdfRequest, type PrintSettings } from '../../src/domain/pdf-request.ts';
import type { Output } from '../../src/domain/output.ts';
import { Draft } from '../../src/finishing/draft.ts';
import { PDF } from '../../src/finishing/libpdf.ts';
import type { StepContext } from '../../src/finishing/step.ts';
import { mergeStep } from '../../src/finishing/steps/merge.ts';
import { picturesStep } from '../../src/finishing/steps/pictures.ts';
import { pixelsOf } from '../support/pixels.ts';
import { stepContext } from '../support/step-context.ts';

const parsed = parsePdfRequest({ html: 'x' });
const settings = (parsed.ok ? parsed.request : undefined) as PrintSettings;
const context: StepContext = stepContext();
const rgb = (red: number, green: number, blue: number) => ({ type: 'RGB', red, green, blue }) as const;

/** Three pages, by default of 72 × 36 points. Their right halves are red, green and blue. */
async function sample({ width = 72, height = 36 } = {}): Promise<Draft> {
  const pdf = PDF.create();
  for (const color of [rgb(1, 0, 0), rgb(0, 1, 0), rgb(0, 0, 1)])
    pdf.addPage({ width, height }).drawRectangle({ x: width / 2, y: 0, width: width / 2, height, color });
  return Draft.of(pdf, { isUploaded: false });
}

/** A page of many colours. */
async function colourful(): Promise<Draft> {
  const pdf = PDF.create();
  const page = pdf.addPage({ width: 72, height: 72 });
  for (let x = 0; x < 24; x++)
    for (let y = 0; y < 24; y++)
      page.drawRectangle({ x: 3 * x, y: 3 * y, width: 3, height: 3, color: rgb(x / 24, y / 24, (x * y) / 576) });
  return Draft.of(pdf, { isUploaded: false });
}

async function picturesOf(output: Output, draft?: Draft): Promise<Draft[]> {
  const asked = picturesStep.settingsOf({ settings, result: { output }, parts: [] });
  if (!asked) throw new Error('nothing is asked for');
  const work = await picturesStep.load();
  return work.run([draft ?? (await sample())], asked, context);
}

/** Far enough from what a lossy picture makes of it. */
const near = (colour: number[]) => colour.map((value) => (value > 230 ? 255 : value < 25 ? 0 : value));

test.each(['png', 'jpeg', 'webp'] as const)('pages become %s, in the order that is asked for', async (type) => {
  const made = await picturesOf({ type, pages: '3,1', dpi: 96 });
  expect(made.map((draft) => [draft.type, draft.pages])).toEqual([
    [`image/${type}`, 1],
    [`image/${type}`, 1],
  ]);
  const pictures = await Promise.all(made.map(async (draft) => pixelsOf(await draft.bytes())));
  for (const { width, height, at } of pictures) {
    expect([width, height]).toEqual([96, 48]);
    expect(near(at(10, 24))).toEqual([255, 255, 255, 255]);
  }
  expect(pictures.map(({ at }) => near(at(80, 24)))).toEqual([
    [0, 0, 255, 255],
    [255, 0, 0, 255],
  ]);
});

test('an inch has as many pixels as dpi says', async () => {
  for (const dpi of [18, 72, 300, 600]) {
    const [made] = await picturesOf({ type: 'png', pages: 'first', dpi });
    expect(await pixelsOf((await made?.bytes()) ?? new Uint8Array())).toMatchObject({ width: dpi, height: dpi / 2 });
  }
});

test('better quality is larger', async () => {
  const size = async (type: 'jpeg' | 'webp', quality: number) =>
    (await (await picturesOf({ type, pages: '1', quality }, await colourful()))[0]?.bytes())?.byteLength ?? 0;
  for (const type of ['jpeg', 'webp'] as const) expect(await size(type, 95)).toBeGreaterThan(await size(type, 10));
});

test('a PDF is left alone, and so is a picture of the page itself', () => {
  const asked = (output?: Output) => picturesStep.settingsOf({ settings, result: { output }, parts: [] });
  expect([asked(), asked({ type: 'pdf' }), asked({ type: 'png', fullPage: true })]).toEqual([undefined, undefined, undefined]); // prettier-ignore
});

test('pictures of the pages of several parts are not merged, PDFs are', () => {
  const parts = [{ isUploaded: false }, { isUploaded: false }];
  const asked = (output: Output) => mergeStep.settingsOf({ settings, result: { output }, parts });
  expect(asked({ type: 'png' })).toBeUndefined();
  for (const output of [{ type: 'pdf' }, { type: 'png', pages: '1' }] as const) expect(asked(output)).toBeDefined();
});

test('what is too large is refused before a picture is made, and says what is allowed', async () => {
  const large = await sample({ width: 7_200, height: 3_600 });
  await expect(picturesOf({ type: 'png', pages: '2', dpi: 600 }, large)).rejects.toMatchObject({
    code: 'finishing_invalid',
    message: 'output.dpi: page 2 would have 60000 × 30000 pixels; allowed for it: at most 100',
  });
  const long = await sample({ width: 7_200, height: 72 });
  await expect(picturesOf({ type: 'webp', pages: '1', dpi: 200 }, long)).rejects.toMatchObject({
    message: 'output.dpi: page 1 would have 20000 × 200 pixels; allowed for it: at most 163',
  });
  await expect(picturesOf({ type: 'png', pages: '4-' })).rejects.toMatchObject({
    code: 'finishing_invalid',
    message: 'output.pages: "4-" fits no page of the PDF',
  });
});
