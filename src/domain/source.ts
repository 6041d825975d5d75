import { z } from 'zod';
import { checkedText } from './check-input.ts';

/** Most characters of a URL in a request. */
const MAX_URL = 8192;

/** @returns undefined if a document may be loaded from there: http or https, no user name and password */
export function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'allowed: an absolute http or https URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `allowed: http and https, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'allowed: a URL without user name and password';
  return undefined;
}

/** A URL that a document or a cookie may come from. */
export const urlText = checkedText(urlProblem, MAX_URL);

/**
 * What a document can come from, by the request's field. A request has exactly one of them. `sources/` has a file for
 * each, which says how it is loaded.
 */
export const SOURCE_FIELDS = {
  html: z.string().min(1, 'must not be empty').describe('The document itself. Either this or `url`'),
  url: urlText.meta({
    description: 'Where the document is: http or https, without user name and password. Either this or `html`',
    format: 'uri',
  }),
};

type Fields = typeof SOURCE_FIELDS;
export type SourceKind = keyof Fields;
export type SourceOf<Kind extends SourceKind> = { kind: Kind; value: z.output<Fields[Kind]> };
/** What a part is printed from. */
export type Source = { [Kind in SourceKind]: SourceOf<Kind> }[SourceKind];

export const SOURCE_KINDS = Object.keys(SOURCE_FIELDS) as SourceKind[];
