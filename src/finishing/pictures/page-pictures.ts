import type { PictureOutput } from '../../domain/output.ts';
import { selectPages } from '../../domain/page-selection.ts';
import { CodedError } from '../../kernel/errors.ts';
import { Draft } from '../draft.ts';
import { jpegOf, webpOf } from '../jsquash.ts';
import { type PagePicture, type PageSize, withPdfium } from '../pdfium.ts';
import { pngOf } from './png.ts';

/** Which pages become pictures, and of which kind. */
export type PagePictures = Required<Pick<PictureOutput, 'type' | 'pages' | 'dpi' | 'quality'>>;

/** Pixels of a picture, at most: more than A4 at 600 dpi has. They take four bytes each, several times. */
const MAX_PIXELS = 50_000_000;
/** Pixels of a side, at most. */
const MAX_SIDE = { png: 60_000, jpeg: 60_000, webp: 16_383 };
/** Files of a job, at most. */
const MAX_PICTURES = 1_000;
const MIN_DPI = 18;
const POINTS_PER_INCH = 72;

const invalid = (field: string, message: string) => new CodedError('finishing_invalid', `output.${field}: ${message}`);

/** A file for each page of each PDF. @throws CodedError `finishing_invalid` */
export async function pagePictures(drafts: Draft[], settings: PagePictures): Promise<Draft[]> {
  const made: Draft[] = [];
  for (const draft of drafts) made.push(...(await picturesOf(draft, settings)));
  if (made.length === 0) throw invalid('pages', `${JSON.stringify(settings.pages)} fits no page of the PDF`);
  return made;
}

async function picturesOf(draft: Draft, settings: PagePictures): Promise<Draft[]> {
  const { type, dpi } = settings;
  return withPdfium(await draft.bytes(), async (pdf) => {
    const pages = selectPages(settings.pages, pdf.pages);
    if (pages.length > MAX_PICTURES)
      throw invalid('pages', `these are ${pages.length} pages; allowed: at most ${MAX_PICTURES}`);
    const sizes = pages.map((page) => pixelsOf(pdf.sizeOf(page), page, settings));
    const made: Draft[] = [];
    for (const [index, page] of pages.entries()) {
      const picture = pdf.picture(page, sizes[index] ?? { width: 1, height: 1 });
      const bytes = await encoded(picture, settings);
      made.push(new Draft({ bytes, pages: 1, isUploaded: draft.isUploaded, part: draft.part, type: `image/${type}` }));
    }
    return made;
  });

  function encoded(picture: PagePicture, { quality }: PagePictures): Uint8Array | Promise<Uint8Array> {
    if (type === 'jpeg') return jpegOf(picture, quality);
    return type === 'webp' ? webpOf(picture, quality) : pngOf(picture, { dpi });
  }
}

/** Before any picture is made, so that none is made for nothing. */
function pixelsOf({ width, height }: PageSize, page: number, { type, dpi }: PagePictures) {
  const pixels = (points: number, at = dpi) => Math.max(1, Math.round((points * at) / POINTS_PER_INCH));
  const fits = (at: number) =>
    pixels(width, at) * pixels(height, at) <= MAX_PIXELS &&
    Math.max(pixels(width, at), pixels(height, at)) <= MAX_SIDE[type];
  if (fits(dpi)) return { width: pixels(width), height: pixels(height) };
  let most = dpi;
  while (most >= MIN_DPI && !fits(most)) most--;
  const size = `page ${page} would have ${pixels(width)} × ${pixels(height)} pixels`;
  throw invalid('dpi', `${size}; allowed for it: ${most < MIN_DPI ? 'none' : `at most ${most}`}`);
}
