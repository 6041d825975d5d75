import { z } from 'zod';
import { BATCH_RESULTS, MAX_ITEMS } from './batch.ts';
import { pdfRequestSchema } from './pdf-request.ts';
import { line } from './print-fields.ts';
import { SOURCE_FIELDS } from './source.ts';

/** Sources that an item may have itself. */
export const ITEM_SOURCES = ['html', 'url', 'markdown'] as const;
export type ItemSource = (typeof ITEM_SOURCES)[number];

const { filename, metadata } = pdfRequestSchema.shape;
const { html, url, markdown } = SOURCE_FIELDS;

/** One document of a batch: what is its own, over the request that all have in common. */
export const itemSchema = z
  .strictObject({
    data: z.unknown().optional().describe('What the template of `request` prints'),
    html: html.optional(),
    url: url.optional(),
    markdown: markdown.optional(),
    filename: filename.describe('Default: that of `request`, a pattern'),
    title: line(1, 500).optional().describe('Of its bookmark in the merged PDF; default: the title of its document'),
    metadata: metadata.unwrap().optional().describe('Over that of `request`'),
  })
  .meta({ id: 'ItemRequest', description: 'With `data` or one of the sources, if `request` has none' });

export type ItemRequest = z.output<typeof itemSchema>;

const ON_BAD_ROW = ['refuse', 'skip'] as const;

const common = {
  result: z
    .enum(BATCH_RESULTS)
    .default('files')
    .describe('`files`: a file for each item; `zip`: the same, to be fetched as one; `merged`: one PDF of all'),
  onBadRow: z
    .enum(ON_BAD_ROW)
    .default('refuse')
    .describe('`refuse`: one item that is not valid refuses the batch; `skip`: it is left out'),
  filename: filename.describe('Of the merged PDF, or of the zip'),
  metadata: metadata.describe('Your own data, stored with the batch and returned with it'),
};

/** A batch without its items. What `request` may be is for `parsePdfRequest` to say. */
export const batchHeadSchema = z.strictObject({
  request: z.looseObject({}),
  /** they are read one by one, and none is left here */
  items: z.array(z.unknown()).max(0).optional(),
  ...common,
});

export type BatchHead = z.output<typeof batchHeadSchema>;

/** For the documentation. */
export const batchRequestSchema = z
  .strictObject({
    request: pdfRequestSchema.describe(
      'What all items have in common. `filename` is a pattern, with `{row}` and `{data.NAME}`; `webhook` is called when the batch ends; `upload` is for the merged PDF',
    ),
    items: z.array(itemSchema).min(1).max(MAX_ITEMS),
    ...common,
  })
  .meta({ id: 'BatchRequest' });
