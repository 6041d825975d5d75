import { headerNameProblem, headerValueProblem } from '../../domain/extra-headers.ts';
import { urlProblem } from '../../domain/source.ts';
import { nearest } from '../../kernel/nearest.ts';
import { MAX_REFUSALS, type Refusal, type SentForm } from '../conversion.ts';
import { refused } from './fields.ts';
import { parseFormJson } from './parse-form-json.ts';

/** A file of a form that is fetched instead of sent. */
export interface Download {
  /** http or https, or another URL that is refused later */
  url: string;
  /** sent with the request */
  headers: Record<string, string>;
  /** the name of the form's field that the file stands for; empty: any */
  field: '' | 'embeds' | 'watermark' | 'stamp';
}

/** The field with the list. */
export const DOWNLOAD_FROM = 'downloadFrom';
const FIELDS = { embedded: 'embeds', watermark: 'watermark', stamp: 'stamp' } as const;
const LIST = 'allowed: a JSON list such as [{"url": "https://…", "extraHttpHeaders": {}}]';
/** Characters of a URL and of a header. */
const MAX_URL = 8_192;
const MAX_VALUE = 8_192;

/** What a form wants to be fetched, in its order. @throws CodedError `invalid_request` that names every entry that is wrong */
export function downloadsOf({ fields }: Pick<SentForm, 'fields'>): Download[] {
  const text = fields.get(DOWNLOAD_FROM)?.[0] || undefined;
  if (text === undefined) return [];
  const { json: entries, problem } = parseFormJson(text);
  if (entries === null) return [];
  if (!Array.isArray(entries)) throw refused([{ field: DOWNLOAD_FROM, message: problem || LIST }]);
  const refusals: Refusal[] = [];
  const downloads: Download[] = [];
  for (const [at, entry] of (entries as unknown[]).entries()) {
    const refuse = (name: string, message: string) =>
      void refusals.push({ field: `${DOWNLOAD_FROM}[${at}]${name}`, message });
    const download = downloadOf(entry, refuse);
    if (download) downloads.push(download);
    if (refusals.length >= MAX_REFUSALS) break;
  }
  if (refusals.length > 0) throw refused(refusals);
  return downloads;
}

type Refuse = (name: string, message: string) => void;

function downloadOf(entry: unknown, refuse: Refuse): Download | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    refuse('', 'allowed: an object with a url');
    return undefined;
  }
  const { url, extraHttpHeaders, field, embedded } = entry as Record<string, unknown>;
  const isUrl = typeof url === 'string' && url !== '' && url.length <= MAX_URL;
  const problem = isUrl ? urlProblem(url) : 'required: an http or https URL';
  if (problem !== undefined) refuse('.url', problem);
  if (embedded !== undefined && embedded !== null && typeof embedded !== 'boolean')
    refuse('.embedded', 'allowed: true or false');
  return {
    url: isUrl ? url : '',
    headers: headersOf(extraHttpHeaders ?? {}, refuse),
    field: fieldOf(field ?? '', refuse) || (embedded === true ? 'embeds' : ''),
  };
}

function fieldOf(name: unknown, refuse: Refuse): Download['field'] {
  if (name === '') return '';
  if (typeof name === 'string' && Object.hasOwn(FIELDS, name)) return FIELDS[name as keyof typeof FIELDS];
  const near = typeof name === 'string' ? nearest(name, Object.keys(FIELDS)) : undefined;
  refuse('.field', `allowed: ${Object.keys(FIELDS).join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
  return '';
}

function headersOf(value: unknown, refuse: Refuse): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('.extraHttpHeaders', 'allowed: an object whose values are texts');
    return {};
  }
  for (const [name, text] of Object.entries(value)) {
    const isText = typeof text === 'string' && text.length <= MAX_VALUE;
    const problem = headerNameProblem(name) ?? (isText ? headerValueProblem(text) : 'allowed: a text');
    if (problem !== undefined) refuse(`.extraHttpHeaders[${JSON.stringify(name.slice(0, 100))}]`, problem);
  }
  return value as Record<string, string>;
}
