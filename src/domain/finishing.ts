import { z } from 'zod';
import { checkedText, PRINTABLE, printable } from './check-input.ts';
import { fileNameProblem } from './file-name.ts';
import { layer } from './layer.ts';
import type { Output } from './output.ts';
import { pageSelectionField } from './page-selection-field.ts';

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
  /** characters of an invoice's XML */
  text: 1_000_000,
  /** bytes, by the standard */
  password: 127,
} as const;

export const CONFORMANCES = ['PDF/A-1b', 'PDF/A-2b', 'PDF/A-3b', 'PDF/UA-1'] as const;
export type Conformance = (typeof CONFORMANCES)[number];

/** Whether it is a kind of PDF/A. */
export const isArchive = (claim: Conformance) => claim.startsWith('PDF/A');

/** Profiles of Factur-X and ZUGFeRD, as the metadata of the PDF names them. */
export const FACTURX_LEVELS = ['MINIMUM', 'BASIC WL', 'BASIC', 'EN 16931', 'EXTENDED', 'XRECHNUNG'] as const;
export type FacturxLevel = (typeof FACTURX_LEVELS)[number];

/** What a hybrid document is, as the metadata of the PDF names it. */
const FACTURX_TYPES = ['INVOICE', 'ORDER', 'ORDER_RESPONSE', 'ORDER_CHANGE'] as const;

/** What a file can be to the document that it is in (ISO 32000-2, 7.11.3). PDF/A-3 knows the first five. */
const RELATIONSHIPS = ['Source', 'Data', 'Alternative', 'Supplement', 'Unspecified', 'EncryptedPayload', 'FormData', 'Schema'] as const; // prettier-ignore

/** A path among the request's `files`. */
const file = checkedText(fileNameProblem);

/** Entries of the Info dictionary that have a meaning of their own. */
const INFO_NAMES = new Set(['Title', 'Author', 'Subject', 'Keywords', 'Creator', 'Producer', 'CreationDate', 'ModDate', 'Trapped']); // prettier-ignore

const rotation = z.strictObject({
  angle: z.literal([90, 180, 270], 'allowed: 90, 180, 270: degrees, clockwise'),
  pages: pageSelectionField.optional(),
});

/** A title that leads to a page. */
export interface Bookmark {
  title: string;
  /** from 1 */
  page: number;
  children?: Bookmark[] | undefined;
}

function bookmark(level = 1): z.ZodType<Bookmark> {
  return z
    .strictObject({
      title: printable(500).min(1),
      page: z.int().min(1).max(100_000),
      ...(level < BOUNDS.bookmarkLevels && {
        children: z
          .array(bookmark(level + 1))
          .max(BOUNDS.bookmarks)
          .optional(),
      }),
    })
    .meta({ id: level === 1 ? 'Bookmark' : `BookmarkOfLevel${level}` }) as unknown as z.ZodType<Bookmark>;
}

const password = z
  .string()
  .min(1)
  .refine(
    (text) => PRINTABLE.test(text) && new TextEncoder().encode(text.normalize('NFKC')).byteLength <= BOUNDS.password,
    `allowed: at most ${BOUNDS.password} bytes as UTF-8, no control characters`,
  );

const allowed = z.boolean().default(true);

/** Bookmarks of one PDF. */
export const bookmarksField = z.array(bookmark()).max(BOUNDS.bookmarks);

/** Which bookmarks a PDF of several parts gets. */
const BOOKMARK_KINDS = ['both', 'titles', 'own'] as const;
export type BookmarkKind = (typeof BOOKMARK_KINDS)[number];

/** A moment, with its time zone: of properties. */
const moment = z.iso.datetime({
  offset: true,
  error: 'allowed: a date and time with a time zone, such as 2026-11-25T19:34:32+01:00',
});

/** A property of the author's own. */
const customProperty = z.union(
  [printable(1_000), z.number(), z.boolean(), z.array(printable(1_000)).max(100)],
  'allowed: a string, a number, a boolean, or a list of strings',
);
export type CustomProperty = z.output<typeof customProperty>;

export const finishingSchema = z
  .strictObject({
    pages: pageSelectionField
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
        maxDpi: z
          .union([z.int().min(36).max(1_200), z.literal(false)], 'allowed: 36 to 1200, or false')
          .default(150)
          .describe('`false`: images keep their pixels'),
        quality: z.int().min(1).max(100).default(80).describe('Of JPEG'),
        reencode: z
          .boolean()
          .default(false)
          .describe('Images that are stored without loss become JPEG too, if that is smaller'),
      })
      .optional()
      .describe('Images with more pixels than this resolution needs are made smaller, as JPEG'),
    properties: z
      .strictObject({
        title: printable(1_000).optional(),
        author: printable(1_000).optional(),
        subject: printable(1_000).optional(),
        keywords: z.array(printable(200).min(1)).max(100).optional(),
        creator: printable(1_000).optional().describe('The program that the document was written with'),
        producer: printable(1_000).optional().describe('The program that made the PDF of it'),
        created: moment.optional().describe('When the document was written'),
        modified: moment.optional().describe('When it was changed last'),
        trapped: z.enum(['True', 'False', 'Unknown']).optional().describe('Whether it is trapped for print'),
        language: z
          .string()
          .regex(/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,4}$/, 'allowed: a language tag such as de or en-GB')
          .optional(),
        custom: z
          .record(printable(100).min(1), customProperty)
          .refine((entries) => Object.keys(entries).length <= 50, 'allowed: at most 50 entries')
          .refine(
            (entries) => !Object.keys(entries).some((name) => INFO_NAMES.has(name)),
            `allowed: names other than ${[...INFO_NAMES].join(', ')}`,
          )
          .optional(),
      })
      .optional()
      .describe(
        "The PDF's own, which viewers show and search engines read; not the job's `metadata`. What is not named stays as it is",
      ),
    bookmarks: z
      .union(
        [bookmarksField, z.enum(BOOKMARK_KINDS)],
        `allowed: a list of {title, page, children}, or for several parts ${BOOKMARK_KINDS.join(', ')}`,
      )
      .optional()
      .describe(
        'A list: instead of those that there are; `[]`: none. For several parts that are merged: `titles`: one for each part; `own`: those of the parts; `both` (default): those of each part below its title',
      ),
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
          description: printable(1_000).optional(),
          relationship: z.enum(RELATIONSHIPS).default('Unspecified').describe('What it is to the document'),
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
        documentType: z.enum(FACTURX_TYPES, `allowed: ${FACTURX_TYPES.join(', ')}`).default('INVOICE'),
        version: z
          .string()
          .regex(/^[0-9]{1,3}(\.[0-9]{1,3}){0,2}$/, 'allowed: a version such as 1.0')
          .default('1.0')
          .describe('Of the schema of the XML'),
      })
      .refine((value) => (value.file === undefined) !== (value.xml === undefined), {
        path: ['xml'],
        message: 'required: either file or xml',
      })
      .optional()
      .describe('Makes a Factur-X (ZUGFeRD) invoice; brings PDF/A-3b'),
    conformance: z
      .union(
        [z.enum(CONFORMANCES), z.array(z.enum(CONFORMANCES)).min(1).max(CONFORMANCES.length)],
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
            reason: printable(500).optional(),
            location: printable(500).optional(),
            contact: printable(500).optional(),
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
  .strictObject({
    parts: z.literal(true).optional().describe('Parts are not merged: each is a file of its own'),
    every: z.int().min(1).max(100_000).optional().describe('Pages of a file'),
    at: z
      .array(z.int().min(2).max(100_000))
      .min(1)
      .max(BOUNDS.splits)
      .optional()
      .describe('First pages of the files after the first'),
    ranges: z
      .array(pageSelectionField)
      .min(1)
      .max(BOUNDS.splits)
      .optional()
      .meta({ description: 'Pages of each file; a page may be in several, or in none', example: ['1-3', '5', '7-'] }),
  })
  .superRefine((value, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const [first, second] = SPLITS.filter((name) => value[name] !== undefined);
    if (second !== undefined) refuse(second, `allowed: only one of ${SPLITS.join(', ')}`);
    else if (first === undefined && !value.parts) refuse('every', `required: one of parts, ${SPLITS.join(', ')}`);
  })
  .meta({
    id: 'Split',
    description:
      'Several files: every so many pages, one that begins at each of these pages, or one for each of these ranges. With `parts` each part is a file, or is split so',
  });

const SPLITS = ['every', 'at', 'ranges'] as const;

export type Split = z.output<typeof splitSchema>;

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
