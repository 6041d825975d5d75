import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { isObject, isText, type JsonObject } from './json-object.ts';
import { endingIn, filesIn } from './sent-files.ts';

/** Files that PDFs get. */
export interface EmbeddedFiles {
  /** for `finishing.attachments`; empty: none */
  attachments: Record<string, unknown>[];
  /** by their paths in the request */
  files: Record<string, SentFile>;
}

const ALLOWED = 'a JSON object such as {"data.xml": {"mimeType": "text/xml", "relationship": "Data"}}';

/** The files in the field `embeds`, with what `embedsMetadata` says about them. */
export function embeddedFiles(form: SentForm, fields: Fields): EmbeddedFiles {
  const about = fields.json('embedsMetadata', aboutFiles, ALLOWED) ?? {};
  const sent = filesIn(form, 'embeds').map((file, index) => ({
    file,
    path: `embed-${index + 1}${endingIn(file.name)}`,
  }));
  return {
    attachments: sent.map(({ file: { name }, path }) => ({ file: path, name, ...attachmentMembers(about[name]) })),
    files: Object.fromEntries(sent.map(({ file, path }) => [path, file])),
  };
}

function aboutFiles(json: unknown): Record<string, JsonObject> | undefined {
  if (!isObject(json) || !Object.values(json).every(isObject)) return undefined;
  return json as Record<string, JsonObject>;
}

/** An unknown media type is none; which relationships there are is checked with the request. */
function attachmentMembers(about: JsonObject | undefined): Record<string, unknown> {
  const { mimeType, relationship } = about ?? {};
  return {
    ...(isText(mimeType) && mimeType !== '' && { mediaType: mimeType }),
    ...(isText(relationship) && relationship !== '' && { relationship: relationship.replace(/^\//, '') }),
  };
}
