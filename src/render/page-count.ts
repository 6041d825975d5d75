/**
 * Pages of a PDF that Chromium wrote. Its writer (Skia) leaves the page tree uncompressed and the
 * root of the tree counts every page, so the largest `/Count` of a `/Type /Pages` object is the
 * answer; outlines have a `/Count` too, but another type.
 * @returns 0 if this is no such PDF
 */
export function countPages(pdf: Buffer): number {
  let pages = 0;
  const marker = '/Type /Pages';
  for (let at = pdf.indexOf(marker); at !== -1; at = pdf.indexOf(marker, at + marker.length)) {
    const start = pdf.lastIndexOf(' obj', at);
    const end = pdf.indexOf('endobj', at);
    const count = /\/Count (\d+)/.exec(pdf.toString('latin1', Math.max(start, 0), end === -1 ? pdf.length : end));
    pages = Math.max(pages, Number(count?.[1] ?? 0));
  }
  return pages;
}
