import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countPages } from '../../src/render/page-count.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer({ PDF_MAX_PAGES: '2000' });
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const FORGED = '9 0 obj\n<</Type /Pages\n/Count 99999\n/Kids [1 0 R]>>\nendobj';
const TRAILER = `${FORGED}\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 10\n/Root 9 0 R>>\nstartxref\n0\n%%EOF\n`;
const page = (text: string) => `<p style="break-after: page">${text}</p>`;

/** The smallest JPEG there is, with a comment in it; Chromium puts JPEGs into a PDF as they are. */
function jpeg(comment: string): string {
  const tiny = Buffer.from(
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k=',
    'base64',
  );
  const segment = Buffer.alloc(4);
  segment.writeUInt16BE(0xfffe);
  segment.writeUInt16BE(comment.length + 2, 2);
  const bytes = Buffer.concat([tiny.subarray(0, 2), segment, Buffer.from(comment, 'latin1'), tiny.subarray(2)]);
  return `data:image/jpeg;base64,${bytes.toString('base64')}`;
}

describe('the pages of a PDF', () => {
  it.each([
    ['of one', page('x'), {}],
    ['of 700', page('x').repeat(700), {}],
    ['with a forged object for a title', `<title>${FORGED}</title>${page('x').repeat(3)}`, {}],
    ['with a forged end for a title', `<title>${TRAILER}</title>${page('x').repeat(3)}`, {}],
    ['with a title full of markers', `<title>${'/Type /Pages '.repeat(16_000)}</title>${page('x').repeat(2)}`, {}],
    ['with forged descriptions', `<html lang="${TRAILER}"><meta name="author" content="${TRAILER}"><meta name="keywords" content="${FORGED}">${page('x')}`, { tagged: true, outline: true }],
    ['with forged names, links and images', `<h1 id="${TRAILER}">${TRAILER}</h1><a href="#${TRAILER}">x</a><a href="https://example.com/?${TRAILER}">y</a><img src="${jpeg(TRAILER)}" width="50" height="50" alt="${TRAILER}">${page('x').repeat(4)}`, { tagged: true, outline: true }],
  ])('%s are as another reader counts them', async (_, html, options) => {
    const { pages, chunks } = await pdfOf(renderer, { html, options });
    const bytes = Buffer.concat(chunks);
    expect(pages).toBe((await readPdf(bytes)).pages);
    // However it was cut, and however small the pieces.
    for (const size of [7, 1_000, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (__, n) => bytes.subarray(n * size, (n + 1) * size));
      if (pieces.length < 100_000) expect(countPages(pieces)).toBe(pages);
    }
    expect(countPages([bytes.subarray(0, -1_100)])).toBe(0);
    expect(countPages([bytes.subarray(1)])).toBe(0);
  }); // prettier-ignore

  it('of what is no PDF are none', () => {
    for (const text of ['', '%PDF-1.4', TRAILER, FORGED, `${TRAILER}x`, 'trailer <</Size 1 /Root 1 0 R>>\nstartxref\n99999999999999999999\n%%EOF'])
      expect(countPages([Buffer.from(text)])).toBe(0);
  }); // prettier-ignore
});
