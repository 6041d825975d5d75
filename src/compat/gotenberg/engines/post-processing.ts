import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { type BookmarkLists, bookmarkLists } from './bookmark-lists.ts';
import { conformance } from './conformance.ts';
import { embeddedFiles } from './embedded-files.ts';
import { encryption } from './encryption.ts';
import { facturX } from './factur-x.ts';
import { metadataProperties } from './metadata-properties.ts';
import { pageSelectionOf } from './page-selection-of.ts';
import { splitSettings } from './split-settings.ts';
import { stampLayers } from './stamp-layers.ts';

/** What is done with PDFs after they are made, in a request of ours. */
export interface PostProcessing {
  /** empty: nothing */
  finishing: Record<string, unknown>;
  /** pages of each file; undefined: each PDF is one */
  every: number | undefined;
  /** for single PDFs, by their names; those for all of them are in `finishing` */
  bookmarks: Extract<BookmarkLists, { byName: unknown }>['byName'] | undefined;
  /** by their paths in the request */
  files: Record<string, SentFile>;
}

/** What the caller calls fields of `finishing`, for messages. */
export const POST_PROCESSING_FIELDS: Readonly<Record<string, string>> = {
  split: 'splitSpan',
  'finishing.pages': 'splitSpan',
  'finishing.overlay': 'stampOptions',
  'finishing.underlay': 'watermarkOptions',
  'finishing.rotate': 'rotateAngle',
  'finishing.rotate[0].pages': 'rotatePages',
  'finishing.images': 'imageQuality',
  'finishing.conformance': 'pdfa',
  'finishing.properties': 'metadata',
  'finishing.bookmarks': 'bookmarks',
  'finishing.attachments': 'embeds',
  'finishing.facturx': 'facturxXml',
  'finishing.facturx.version': 'facturxVersion',
  'finishing.encrypt': 'userPassword',
  'finishing.encrypt.ownerPassword': 'ownerPassword',
  'finishing.flatten': 'flatten',
  ...layerFields('finishing.overlay', 'stamp'),
  ...layerFields('finishing.underlay', 'watermark'),
};

/** Of as many layers as a request can have. */
function layerFields(path: string, kind: string): Record<string, string> {
  const fields = { text: 'Expression', html: 'Expression', pages: 'Pages', image: '', pdf: '' };
  return Object.fromEntries(
    Array.from({ length: 20 }, (_, index) =>
      Object.entries(fields).map(([name, end]) => [`${path}[${index}].${name}`, `${kind}${end}`]),
    ).flat(),
  );
}

/**
 * Reads the fields that every route with post-processing has, in Gotenberg's order.
 * @param split whether PDFs are split if the form says it, always, or never
 */
export function readPostProcessing(
  form: SentForm,
  fields: Fields,
  { split: when = 'maybe' }: { split?: 'maybe' | 'always' | 'never' } = {},
): PostProcessing {
  const split = when === 'never' ? undefined : splitSettings(fields, { isRequired: when === 'always' });
  const watermark = stampLayers('watermark', form, fields);
  const stamp = stampLayers('stamp', form, fields);
  const rotate = rotation(fields);
  const images = imageSettings(fields, fields.boolean('optimizeImages') ?? false);
  const claims = conformance(fields);
  const properties = metadataProperties(fields);
  const bookmarks = bookmarkLists(fields);
  const embeds = embeddedFiles(form, fields);
  const invoice = facturX(form, fields);
  const encrypt = encryption(fields);
  refuseConflicts(fields, { claims, hasEmbeds: embeds.attachments.length > 0, isEncrypted: encrypt !== undefined });
  const finishing = {
    ...(split?.pages !== undefined && { pages: split.pages }),
    ...(rotate && { rotate }),
    ...(stamp.layers.length > 0 && { overlay: stamp.layers }),
    ...(watermark.layers.length > 0 && { underlay: watermark.layers }),
    ...(images && { images }),
    ...(properties && { properties }),
    ...(bookmarks && 'all' in bookmarks && { bookmarks: bookmarks.all }),
    ...(embeds.attachments.length > 0 && { attachments: embeds.attachments }),
    ...(invoice && { facturx: invoice.facturx }),
    ...(claims.length > 0 && { conformance: claims }),
    ...(encrypt && { encrypt }),
  };
  const files = { ...watermark.files, ...stamp.files, ...embeds.files, ...invoice?.files };
  const byName = bookmarks && 'byName' in bookmarks ? bookmarks.byName : undefined;
  return { finishing, every: split?.every, bookmarks: byName, files };
}

/** `finishing.rotate` of the fields `rotateAngle` and `rotatePages`. */
export function rotation(fields: Fields, { isRequired = false } = {}): object[] | undefined {
  if (isRequired) fields.require('rotateAngle', '90, 180 or 270');
  const angle = fields.choice('rotateAngle', ['90', '180', '270']);
  const pages = pageSelectionOf(fields.text('rotatePages') ?? '', 'rotatePages', fields);
  return angle === undefined ? undefined : [{ angle: Number(angle), ...(pages !== undefined && { pages }) }];
}

/** `finishing.images` that makes JPEG of images without loss, and leaves their pixels. */
export function imageSettings(fields: Fields, isWanted: boolean): object | undefined {
  const quality = fields.whole('imageQuality', { min: 1, max: 100 }) ?? 80;
  return isWanted ? { maxDpi: false, quality, reencode: true } : undefined;
}

function refuseConflicts(
  fields: Fields,
  { claims, hasEmbeds, isEncrypted }: { claims: readonly string[]; hasEmbeds: boolean; isEncrypted: boolean },
): void {
  const archive = claims.find((claim) => claim.startsWith('PDF/A'));
  if (archive === undefined) return;
  if (isEncrypted) fields.refuse('pdfa', 'PDF/A is never encrypted; allowed without userPassword and ownerPassword');
  if (hasEmbeds && archive !== 'PDF/A-3b') fields.refuse('pdfa', 'with embeds allowed: PDF/A-3b');
}
