import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { fileNameProblem } from './file-name.ts';
import { pageSelectionProblem } from './page-selection.ts';

// What is done with a job's PDFs after they are printed, as the request says it.

/** On all levels together: a request has at most 20,000 values. */
export const MAX_BOOKMARKS = 5_000;

/** Bounds of {@link finishingSchema}. */
const BOUNDS = {
  layers: 20,
  attachments: 100,
  bookmarkLevels: 5,
  bookmarks: MAX_BOOKMARKS,
  splits: 1_000,
  /** characters of the HTML of a layer, and of an invoice's XML */
  text: 1_000_000,
  /** bytes, by the standard */
  password: 127,
} as const;

export const CONFORMANCES = ['PDF/A-2b', 'PDF/A-3b', 'PDF/UA-1'] as const;
export type Conformance = (typeof CONFORMANCES)[number];

/** Profiles of Factur-X and ZUGFeRD, as the metadata of the PDF names them. */
export const FACTURX_LEVELS = ['MINIMUM', 'BASIC WL', 'BASIC', 'EN 16931', 'EXTENDED', 'XRECHNUNG'] as const;
export type FacturxLevel = (typeof FACTURX_LEVELS)[number];

const POSITIONS = [
  'top-left', 'top', 'top-right', 'left', 'center', 'right', 'bottom-left', 'bottom', 'bottom-right',
] as const; // prettier-ignore

// oxlint-disable-next-line no-control-regex -- it excludes control characters
const PRINTABLE = /^[^\u0000-\u001f\u007f]*$/;
const line = (maxLength: number) =>
  checkedText((text) => (PRINTABLE.test(text) ? undefined : 'allowed: no control characters'), maxLength);

const pages = checkedText(pageSelectionProblem, 1_000);
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

const layer = z
  .strictObject({
    html: z
      .string()
      .min(1)
      .max(BOUNDS.text)
      .optional()
      .describe('As large as the page. Elements of class `pageNumber` and `totalPages` are filled in'),
    text: line(1_000).min(1).optional().describe('One line'),
    image: file.optional().describe('One of the `files`: PNG, JPEG, WebP or SVG'),
    pdf: file
      .optional()
      .describe('One of the `files`; its page `page`, as large as it fits on the page, in the middle'),
    page: z.int().min(1).max(100_000).optional().describe('Of `pdf`; default 1'),
    pages: pages
      .optional()
      .meta({ description: 'Pages that get it; default: all. `2-` and `even` may be none', example: '2-' }),
    position: z.enum(POSITIONS).optional().describe('Of `text` and `image`; default center'),
    margin: length.optional().describe('Between `text` or `image` and the edges of the page; default 10mm'),
    width: length.optional().describe('Of `image`; default: its own, at most that of the page'),
    fontSize: length.optional().describe('Of `text`; default 12'),
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

/** Entries of the Info dictionary that have a meaning of their own. */
const INFO_NAMES = new Set(['Title', 'Author', 'Subject', 'Keywords', 'Creator', 'Producer', 'CreationDate', 'ModDate', 'Trapped']); // prettier-ignore

const rotation = z.strictObject({
  angle: z.literal([90, 180, 270], 'allowed: 90, 180, 270: degrees, clockwise'),
  pages: pages.optional(),
});

/** A title that leads to a page. */
export interface Bookmark {
  title: string;
  /** from 1 */
  page: number;
  children?: Bookmark[] | undefined;
}

function bookmark(levels: number): z.ZodType<Bookmark> {
  return z.strictObject({
    title: line(500).min(1),
    page: z.int().min(1).max(100_000),
    ...(levels > 1 && {
      children: z
        .array(bookmark(levels - 1))
        .max(BOUNDS.bookmarks)
        .optional(),
    }),
  }) as z.ZodType<Bookmark>;
}

const password = z
  .string()
  .min(1)
  .refine(
    (text) => PRINTABLE.test(text) && new TextEncoder().encode(text.normalize('NFKC')).byteLength <= BOUNDS.password,
    `allowed: at most ${BOUNDS.password} bytes as UTF-8, no control characters`,
  );

const allowed = z.boolean().default(true);

export const finishingSchema = z
  .strictObject({
    pages: pages
      .optional()
      .meta({ description: 'Pages that are kept, in this order; each once. Default: all', example: '1-3, 8' }),
    rotate: z
      .union(
        [z.literal([90, 180, 270]), z.array(rotation).min(1).max(100)],
        'allowed: 90, 180, 270, or a list of {angle, pages}',
      )
      .optional()
      .describe('Degrees, clockwise'),
    overlay: z.array(layer).min(1).max(BOUNDS.layers).optional().describe('Put over pages, in this order'),
    underlay: z.array(layer).min(1).max(BOUNDS.layers).optional().describe('Put under pages, in this order'),
    flatten: z.boolean().default(false).describe('Form fields and annotations become part of the page'),
    images: z
      .strictObject({
        maxDpi: z.int().min(36).max(1_200).default(150),
        quality: z.int().min(1).max(100).default(80).describe('Of JPEG'),
      })
      .optional()
      .describe('Images with more pixels than this resolution needs are made smaller, as JPEG'),
    properties: z
      .strictObject({
        title: line(1_000).optional(),
        author: line(1_000).optional(),
        subject: line(1_000).optional(),
        keywords: z.array(line(200).min(1)).max(100).optional(),
        creator: line(1_000).optional().describe('The program that the document was written with'),
        language: z
          .string()
          .regex(/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,4}$/, 'allowed: a language tag such as de or en-GB')
          .optional(),
        custom: z
          .record(line(100).min(1), line(1_000))
          .refine((entries) => Object.keys(entries).length <= 50, 'allowed: at most 50 entries')
          .refine(
            (entries) => !Object.keys(entries).some((name) => INFO_NAMES.has(name)),
            `allowed: names other than ${[...INFO_NAMES].join(', ')}`,
          )
          .optional(),
      })
      .optional()
      .describe("The PDF's own, which viewers show and search engines read; not the job's `metadata`"),
    bookmarks: z
      .array(bookmark(BOUNDS.bookmarkLevels))
      .max(BOUNDS.bookmarks)
      .optional()
      .describe('Instead of those that there are; `[]`: none'),
    attachments: z
      .array(
        z.strictObject({
          file: file.describe('One of the `files`'),
          name: checkedText(fileNameProblem).optional().describe('Default: its path'),
          mediaType: z
            .string()
            .max(200)
            .regex(/^[\w.+-]+\/[\w.+-]+$/, 'allowed: a media type such as text/csv')
            .optional(),
          description: line(1_000).optional(),
          relationship: z
            .enum(['Source', 'Data', 'Alternative', 'Supplement', 'Unspecified'])
            .default('Unspecified')
            .describe('What it is to the document'),
        }),
      )
      .min(1)
      .max(BOUNDS.attachments)
      .optional(),
    facturx: z
      .strictObject({
        file: file.optional().describe('One of the `files`: the invoice as XML'),
        xml: z.string().min(1).max(BOUNDS.text).optional().describe('The invoice as XML'),
        level: z.enum(FACTURX_LEVELS, `allowed: ${FACTURX_LEVELS.join(', ')}`),
      })
      .refine((value) => (value.file === undefined) !== (value.xml === undefined), {
        path: ['xml'],
        message: 'required: either file or xml',
      })
      .optional()
      .describe('Makes a Factur-X (ZUGFeRD) invoice; brings PDF/A-3b'),
    conformance: z
      .union(
        [z.enum(CONFORMANCES), z.array(z.enum(CONFORMANCES)).min(1).max(3)],
        `allowed: ${CONFORMANCES.join(', ')}, or a list of them`,
      )
      .transform((value) => [...new Set([value].flat())])
      .optional()
      .describe(
        'What the PDF is made to conform to, and checked for; the job fails with `not_conformant` if it does not',
      ),
    objectStreams: z.boolean().default(true).describe('Smaller files, for readers of PDF 1.5 (2003) and later'),
    linearize: z.boolean().default(false).describe('For viewers that show the first page before the rest has come'),
    encrypt: z
      .strictObject({
        userPassword: password.optional().describe('Needed to open it'),
        ownerPassword: password.optional().describe('Needed to change the permissions'),
        permissions: z
          .strictObject({
            print: allowed,
            copy: allowed,
            modify: allowed,
            annotate: allowed,
            fillForms: allowed,
            assemble: allowed,
          })
          .prefault({}),
      })
      .refine((value) => value.userPassword !== undefined || value.ownerPassword !== undefined, {
        path: ['userPassword'],
        message: 'required: userPassword, ownerPassword, or both',
      })
      .optional()
      .describe('AES with 256 bits'),
    sign: z
      .union(
        [
          z.literal(true),
          z.strictObject({
            reason: line(500).optional(),
            location: line(500).optional(),
            contact: line(500).optional(),
          }),
        ],
        'allowed: true, or an object with reason, location, contact',
      )
      .optional()
      .describe("A signature (PAdES) with the operator's certificate"),
  })
  .meta({ id: 'Finishing', description: 'What is done with the PDF; always in this order' });

export type Finishing = z.output<typeof finishingSchema>;

export const splitSchema = z
  .union(
    [
      z.strictObject({ every: z.int().min(1).max(100_000) }),
      z.strictObject({ at: z.array(z.int().min(2).max(100_000)).min(1).max(BOUNDS.splits) }),
    ],
    'allowed: {"every": N}, or {"at": [first pages of the files after the first]}',
  )
  .meta({
    id: 'Split',
    description: 'Several files: every so many pages, or one that begins at each of these pages',
  });

export type Split = z.output<typeof splitSchema>;

const PICTURE_TYPES = ['png', 'jpeg', 'webp'] as const;
const OUTPUTS = ['pdf', ...PICTURE_TYPES] as const;

const outputSchemaOf = z.strictObject({
  type: z.enum(OUTPUTS),
  quality: z.int().min(1).max(100).optional().describe('Of jpeg and webp; default 80'),
  pages: pages.optional().meta({ description: 'Pictures of these pages of the PDF, a file each', example: 'first' }),
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
    description: 'What the job makes: a PDF, or pictures of the page, or with `pages` of the pages of the PDF',
  });

export type Output = z.output<typeof outputSchema>;
/** What a picture of a page shows. */
export type PictureOutput = Output & { type: (typeof PICTURE_TYPES)[number] };

/** The picture that is to be taken of the page itself, instead of a PDF. */
export function pictureOfPage(output: Output | undefined): PictureOutput | undefined {
  if (!output || output.type === 'pdf' || output.pages !== undefined) return undefined;
  return { ...output, type: output.type };
}

/** What becomes of the parts of a job after they are printed. */
export interface ResultSettings {
  finishing?: Finishing | undefined;
  split?: Split | undefined;
  output?: Output | undefined;
}

/** Whether a layer is a document, which may refer to any of the files. */
export function hasHtmlLayer({ overlay = [], underlay = [] }: Finishing): boolean {
  return [...overlay, ...underlay].some(({ html }) => html !== undefined);
}

/** The files that finishing names, by the field that names them. */
export function finishingFiles({
  overlay,
  underlay,
  attachments,
  facturx,
}: Finishing): { path: PropertyKey[]; name: string }[] {
  const layers = ([['overlay', overlay], ['underlay', underlay]] as const).flatMap(([field, list = []]) =>
    list.flatMap(({ image, pdf }, index) => [
      { path: [field, index, 'image'], name: image },
      { path: [field, index, 'pdf'], name: pdf },
    ]),
  ); // prettier-ignore
  const attached = (attachments ?? []).map(({ file: name }, index) => ({ path: ['attachments', index, 'file'], name }));
  const all = [...layers, ...attached, { path: ['facturx', 'file'], name: facturx?.file }];
  return all.flatMap(({ path, name }) => (name === undefined ? [] : [{ path: ['finishing', ...path], name }]));
}
