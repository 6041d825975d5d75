import { isObject, isText, type JsonObject } from './json-object.ts';
import { exifDateOf } from './metadata-date.ts';

/** ExifTool's names of our properties. */
const TAGS: Readonly<Record<string, readonly string[]>> = {
  title: ['Title'],
  author: ['Author'],
  subject: ['Subject'],
  creator: ['Creator'],
  producer: ['Producer'],
  language: ['Language'],
  trapped: ['Trapped'],
};
/** A date of change has two names: that of the Info dictionary, and that of XMP. */
const DATES: Readonly<Record<string, readonly string[]>> = {
  created: ['CreateDate'],
  modified: ['ModifyDate', 'ModDate'],
};

/**
 * What ExifTool says about a PDF.
 * @param described one of the `files` of a job with `output: "json"`
 */
export function metadataTags(name: string, described: JsonObject): JsonObject {
  const properties = isObject(described['properties']) ? described['properties'] : {};
  const { custom, keywords } = properties;
  const tags: Record<string, unknown> = {
    FileName: name,
    FileType: 'PDF',
    FileTypeExtension: 'pdf',
    MIMEType: 'application/pdf',
    PDFVersion: Number(described['version']),
    PageCount: described['pages'],
  };
  for (const [property, names] of Object.entries(TAGS))
    for (const tag of names) if (isText(properties[property])) tags[tag] = properties[property];
  for (const [property, names] of Object.entries(DATES))
    for (const tag of names) if (isText(properties[property])) tags[tag] = exifDateOf(properties[property]);
  if (Array.isArray(keywords) && keywords.length > 0) tags['Keywords'] = keywords.length === 1 ? keywords[0] : keywords;
  for (const [tag, value] of Object.entries(isObject(custom) ? custom : {})) tags[tag] = numberIfSo(value);
  return tags;
}

/** ExifTool writes what looks like a number as one. */
function numberIfSo(value: unknown): unknown {
  return isText(value) && /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,16})?$/.test(value) ? Number(value) : value;
}
