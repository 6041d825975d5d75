import { z } from 'zod';
import { pageSelectionField } from './page-selection-field.ts';

// What a job makes, as the request says it.

const PICTURE_TYPES = ['png', 'jpeg', 'webp'] as const;
const OUTPUTS = ['pdf', ...PICTURE_TYPES, 'html', 'json'] as const;

const outputSchemaOf = z.strictObject({
  type: z.enum(OUTPUTS),
  quality: z.int().min(1).max(100).optional().describe('Of jpeg and webp; default 80'),
  pages: pageSelectionField
    .optional()
    .meta({ description: 'Pictures of these pages of the PDF, a file each', example: 'first' }),
  dpi: z.int().min(18).max(600).optional().describe('With `pages`; default 96'),
  fullPage: z.boolean().optional().describe('The whole document, not only what the viewport shows'),
  clip: z
    .strictObject({
      x: z.number().min(0).max(100_000),
      y: z.number().min(0).max(100_000),
      width: z.number().min(1).max(16_384),
      height: z.number().min(1).max(16_384),
    })
    .optional()
    .describe('Pixels of the document'),
  selector: z.string().min(1).max(2_000).optional().describe('The first element that it finds'),
  omitBackground: z.boolean().optional().describe('Transparent where the document has no background; not jpeg'),
});

export const outputSchema = z
  .union(
    [z.enum(OUTPUTS).transform((type): z.output<typeof outputSchemaOf> => ({ type })), outputSchemaOf],
    `allowed: ${OUTPUTS.join(', ')}, or an object with type, quality, pages, dpi, fullPage, clip, selector, omitBackground`,
  )
  .meta({
    id: 'OutputSettings', // the page leaves out names that end with Output
    description:
      'What the job makes: a PDF, or pictures of the page, or with `pages` of the pages of the PDF; `html`: what the page is as HTML when it has loaded and every wait is over; `json`: what is in the PDFs of its parts',
  });

export type Output = z.output<typeof outputSchema>;
type PictureType = (typeof PICTURE_TYPES)[number];
/** What a picture of a page shows. */
export type PictureOutput = Output & { type: PictureType };

const isPictureType = (type: Output['type']): type is PictureType =>
  (PICTURE_TYPES as readonly Output['type'][]).includes(type);

/** Whether a job makes pictures, of whatever. */
export function isPicture(output: Output | undefined): output is PictureOutput {
  return output !== undefined && isPictureType(output.type);
}

/** The picture that is to be taken of the page itself, instead of a PDF. */
export function pictureOfPage(output: Output | undefined): PictureOutput | undefined {
  return isPicture(output) && output.pages === undefined ? output : undefined;
}

/** Whether what a job makes comes from one page of a browser, and no PDF is printed. */
export function isOfPage(output: Output | undefined): output is Output {
  return output?.type === 'html' || pictureOfPage(output) !== undefined;
}
