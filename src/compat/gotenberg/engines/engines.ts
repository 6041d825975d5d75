import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { bookmarkLists, bookmarksOf } from './bookmark-lists.ts';
import { conformance } from './conformance.ts';
import { embeddedFiles } from './embedded-files.ts';
import { encryption } from './encryption.ts';
import { facturX } from './factur-x.ts';
import type { JsonObject } from './json-object.ts';
import { metadataProperties } from './metadata-properties.ts';
import { metadataTags } from './metadata-tags.ts';
import { imageSettings, readPostProcessing, rotation } from './post-processing.ts';
import { stampLayers } from './stamp-layers.ts';

/** What a route does with the PDFs of its form. */
interface Engine {
  finishing?: Record<string, unknown>;
  /** pages of each file; undefined: each PDF is one */
  every?: number | undefined;
  /** all PDFs become one */
  isMerged?: boolean;
  /** those of a PDF instead of its own */
  bookmarks?: (name: string) => unknown[] | undefined;
  /** besides the PDFs, by their paths in the request */
  files?: Readonly<Record<string, SentFile>>;
  /** no PDFs are made: what the caller gets of what the job says about each */
  answerOf?: (name: string, described: JsonObject) => unknown;
}

/** Reads a form; what is wrong with it is in `fields`. */
export type ReadEngine = (form: SentForm, fields: Fields) => Engine;

/** By the ends of their paths. */
export const ENGINES: Readonly<Record<string, ReadEngine>> = {
  merge: (form, fields) => {
    const { finishing, bookmarks, files } = readPostProcessing(form, fields, { split: 'never' });
    const areKept = fields.boolean('autoIndexBookmarks') ?? false;
    const hasTitles = fields.boolean('titleBookmarks') ?? false;
    const kind = hasTitles ? 'both' : areKept || bookmarks ? 'own' : [];
    return {
      finishing: { bookmarks: kind, ...finishing, ...flatten(fields) },
      ...(bookmarks && { bookmarks: (name: string) => bookmarks[name] ?? (areKept || hasTitles ? undefined : []) }),
      isMerged: true,
      files,
    };
  },
  split: (form, fields) => {
    const { finishing, every, files } = readPostProcessing(form, fields, { split: 'always' });
    return { finishing: { ...finishing, ...flatten(fields) }, every, files };
  },
  flatten: () => ({ finishing: { flatten: true } }),
  rotate: (_, fields) => ({ finishing: { rotate: rotation(fields, { isRequired: true }) } }),
  optimize: (_, fields) => ({ finishing: { images: imageSettings(fields, true) } }),
  convert: (_, fields) => ({ finishing: { conformance: conformance(fields, { isRequired: true }) } }),
  'metadata/write': (_, fields) => {
    fields.require('metadata', 'a JSON object such as {"Title": "Report"}');
    const properties = metadataProperties(fields);
    return properties ? { finishing: { properties } } : {};
  },
  'metadata/read': () => ({ answerOf: metadataTags }),
  'bookmarks/write': (_, fields) => {
    fields.require('bookmarks', 'a JSON list such as [{"title": "Start", "page": 1}]');
    const lists = bookmarkLists(fields);
    return { bookmarks: (name) => (lists && 'all' in lists ? lists.all : lists?.byName[name]) };
  },
  'bookmarks/read': () => ({ answerOf: (_, described) => bookmarksOf(described) }),
  encrypt: (_, fields) => ({ finishing: { encrypt: encryption(fields, { isRequired: true }) } }),
  embed: (form, fields) => {
    const { attachments, files } = embeddedFiles(form, fields);
    const { facturx, files: invoice } = facturX(form, fields) ?? {};
    const finishing = { ...(attachments.length > 0 && { attachments }), ...(facturx && { facturx }) };
    return { finishing, files: { ...files, ...invoice } };
  },
  watermark: (form, fields) => stamped('watermark', form, fields),
  stamp: (form, fields) => stamped('stamp', form, fields),
  'factur-x': (form, fields) => {
    const { facturx, files } = facturX(form, fields, { isRequired: true }) ?? {};
    return { finishing: { facturx }, ...(files && { files }) };
  },
};

function flatten(fields: Fields): { flatten?: true } {
  return fields.boolean('flatten') ? { flatten: true } : {};
}

function stamped(kind: 'watermark' | 'stamp', form: SentForm, fields: Fields): Engine {
  fields.require(`${kind}Source`, 'text, image or pdf');
  const { layers, files } = stampLayers(kind, form, fields);
  return { finishing: { [kind === 'stamp' ? 'overlay' : 'underlay']: layers }, files };
}
