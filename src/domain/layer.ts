import { z } from 'zod';
import { checkedText, printable } from './check-input.ts';
import { fileNameProblem } from './file-name.ts';
import { pageSelectionField } from './page-selection-field.ts';

// What is put over or under the pages of a PDF, as the request says it.

/** Characters of the HTML of a layer. */
const MAX_HTML = 1_000_000;

const POSITIONS = [
  'top-left', 'top', 'top-right', 'left', 'center', 'right', 'bottom-left', 'bottom', 'bottom-right',
] as const; // prettier-ignore

/** A path among the request's `files`. */
const file = checkedText(fileNameProblem);

const LENGTH = 'allowed: a number of points, or a number with pt, px, in, cm or mm';
const POINTS = { pt: 1, px: 0.75, in: 72, cm: 72 / 2.54, mm: 72 / 25.4 } as const;
const length = z.union(
  [z.number().min(0).max(14_400), z.string().regex(/^\d{1,5}(\.\d{1,6})?(pt|px|in|cm|mm)$/, LENGTH)],
  {
    error: LENGTH,
  },
);

/** Points of a length such as `"10mm"` or `28`. */
export function points(value: string | number): number {
  const match = /^([\d.]+)([a-z]+)$/.exec(String(value));
  return match ? Number(match[1]) * POINTS[match[2] as keyof typeof POINTS] : Number(value);
}

export const layer = z
  .strictObject({
    html: z
      .string()
      .min(1)
      .max(MAX_HTML)
      .optional()
      .describe('As large as the page. Elements of class `pageNumber` and `totalPages` are filled in'),
    text: printable(1_000).min(1).optional().describe('One line'),
    image: file.optional().describe('One of the `files`: PNG, JPEG, WebP or SVG'),
    pdf: file
      .optional()
      .describe('One of the `files`; its page `page`, as large as it fits on the page, in the middle'),
    page: z.int().min(1).max(100_000).optional().describe('Of `pdf`; default 1'),
    pages: pageSelectionField
      .optional()
      .meta({ description: 'Pages that get it; default: all. `2-` and `even` may be none', example: '2-' }),
    position: z.enum(POSITIONS).optional().describe('Of `text` and `image`; default center'),
    margin: length.optional().describe('Between `text` or `image` and the edges of the page; default 10mm'),
    width: length.optional().describe('Of `image`; default: its own, smaller if it would not fit'),
    fontSize: length.optional().describe('Of `text`, smaller if it would not fit; default 12'),
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, 'allowed: a colour such as #d00000')
      .optional()
      .describe('Of `text`; default #000000'),
    opacity: z.number().min(0).max(1).optional().describe('Default 1'),
    rotate: z.number().min(-360).max(360).optional().describe('Degrees, clockwise, of `text` and `image`'),
  })
  .superRefine((value, context) => {
    const kinds = (['html', 'text', 'image', 'pdf'] as const).filter((kind) => value[kind] !== undefined);
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (kinds.length !== 1) refuse(kinds[1] ?? 'html', 'required: exactly one of html, text, image, pdf');
    const kind = kinds[0];
    if (kind === undefined) return;
    for (const [name, kindsOf] of Object.entries(LAYER_OPTIONS))
      if (value[name as keyof typeof LAYER_OPTIONS] !== undefined && !kindsOf.includes(kind))
        refuse(name, `allowed with ${kindsOf.join(', ')}, not with ${kind}`);
  })
  .meta({ id: 'Layer', description: 'Exactly one of html, text, image, pdf; what else it has depends on that' });

const LAYER_OPTIONS = {
  page: ['pdf'],
  position: ['text', 'image'],
  margin: ['text', 'image'],
  width: ['image'],
  fontSize: ['text'],
  color: ['text'],
  rotate: ['text', 'image'],
};

/** Something that is put over or under pages. */
export type Layer = z.output<typeof layer>;
