import { expect, it } from 'vitest';
import type { PdfBytes } from '../../src/domain/outcome.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { Span } from '../../src/telemetry/span.ts';
import { undoLater } from '../support/clean-up.ts';
import { startFinisher } from '../support/finisher.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
await renderer.start();
undoLater(() => renderer.stop());
const finisher = await startFinisher({ steps: STEPS });

const html = (title: string) => `<html lang=en><title>${title}</title><h1 id=top>${title}</h1>
  <p><a href="#end">to the end</a> <a href="https://example.com">out</a></p>
  <table><tr><th>a<th>b<tr><td>${title}<td></table>
  <h2 id=end style="break-before: page">The end</h2><p><a href="#top">to the top</a></p>`;

const printed = (title: string): Promise<PdfBytes> =>
  pdfOf(renderer, { html: html(title), options: { tagged: true, outline: true } });

async function finish(pdfs: PdfBytes[], rest: object) {
  const parsed = parsePdfRequest({ html: 'x', ...rest });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const outcome = await finisher.finish(pdfs, {
    settings: parsed.request,
    result: parsed.request.result,
    timeoutMs: 60_000,
    tenant: 'ann',
    span: new Span(),
  });
  if (outcome.kind !== 'done') return outcome;
  return Promise.all(outcome.files.map(({ chunks }) => inspectPdf(Buffer.concat(chunks))));
}

it('merges documents that Chromium has printed, and makes files of them', async () => {
  const pdfs = await Promise.all(['One', 'Two', 'Three'].map(printed));
  await expect(finish(pdfs, {})).resolves.toMatchObject([
    {
      problems: [],
      pages: 6,
      links: [1, 2, 3, 4, 5, 6].map((from) => ({ from, to: from % 2 === 1 ? from + 1 : from - 1 })),
      bookmarks: ['One', 'Two', 'Three'].flatMap((title, index) => [
        { level: 1, title, page: 2 * index + 1 },
        { level: 2, title, page: 2 * index + 1 },
        { level: 3, title: 'The end', page: 2 * index + 2 },
      ]),
    },
  ]);
  const settings = { finishing: { pages: '6,5,1', rotate: 90 }, split: { at: [3] } };
  await expect(finish(pdfs, settings)).resolves.toMatchObject([
    { problems: [], pages: 2, links: [{ from: 1, to: 2 }, { from: 2, to: 1 }] }, // prettier-ignore
    { problems: [], pages: 1, links: [] },
  ]);
});

it('says what does not fit the PDF', async () => {
  const [pdf] = await Promise.all(['One'].map(printed));
  const outcome = await finish([pdf!], { finishing: { bookmarks: [{ title: 'a', page: 9 }] } });
  expect(outcome).toMatchObject({ kind: 'reject', code: 'finishing_invalid' });
  expect(outcome).toMatchObject({ message: expect.stringContaining('finishing.bookmarks[0].page: 9; allowed: 1 to 2') }); // prettier-ignore
});
