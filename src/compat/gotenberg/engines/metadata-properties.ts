import type { Fields } from '../fields.ts';
import { isText, objectOf } from './json-object.ts';
import { isoDateOf } from './metadata-date.ts';

/** Names by which ExifTool changes files, not what is in them. They are left out. */
const PSEUDO = new Set(['filename', 'directory', 'symlink', 'hardlink', 'filepermissions']);

/** Our properties, by ExifTool's names in small letters. */
const TEXTS: Readonly<Record<string, string>> = {
  title: 'title',
  author: 'author',
  subject: 'subject',
  creator: 'creator',
  producer: 'producer',
  language: 'language',
};
const DATES: Readonly<Record<string, string>> = {
  createdate: 'created',
  creationdate: 'created',
  moddate: 'modified',
  modifydate: 'modified',
};
const TRAPPED: Readonly<Record<string, string>> = { true: 'True', false: 'False', unknown: 'Unknown' };

type Value = string | number | boolean | string[];

/**
 * `finishing.properties` of the field `metadata`: names of ExifTool, with a group or without one.
 * @returns undefined if there is nothing to write
 */
export function metadataProperties(fields: Fields): Record<string, unknown> | undefined {
  const allowed = 'a JSON object such as {"Title": "Report", "Keywords": ["a", "b"]}';
  const sent = Object.entries(fields.json('metadata', objectOf, allowed) ?? {});
  const properties: Record<string, unknown> = {};
  const custom: Record<string, Value> = {};
  for (const [tag, value] of sent) {
    if (fields.isFull) break;
    const name = tag.split(':').at(-1) ?? '';
    if (value === null || PSEUDO.has(name.toLowerCase().replace(/#$/, ''))) continue;
    const problem = problemOf(name, value);
    if (problem !== undefined) fields.refuse('metadata', `${JSON.stringify(tag.slice(0, 100))}: ${problem}`);
    else if (isOurs(name)) Object.assign(properties, propertyOf(name.toLowerCase(), value as Value));
    else custom[name] = value as Value;
  }
  if (Object.keys(custom).length > 0) properties['custom'] = custom;
  return Object.keys(properties).length === 0 ? undefined : properties;
}

function problemOf(name: string, value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every(isText);
  const isOne = isText(value) || typeof value === 'number' || typeof value === 'boolean';
  if (!isOne && !isList) return 'allowed: a text, a number, true, false, or a list of texts';
  if (name === '' || hasControl(name)) return 'allowed: a name without control characters';
  if ([value].flat().some((each) => isText(each) && hasControl(each))) return 'allowed: no control characters';
  if (!Object.hasOwn(DATES, name.toLowerCase()) || value === '') return undefined;
  return isoDateOf(String(value)) === undefined ? 'allowed: a date such as 2006-09-18T16:27:50-04:00' : undefined;
}

const hasControl = (text: string) => /\p{Cc}/u.test(text);

function isOurs(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === 'keywords' || lower === 'trapped' || Object.hasOwn(TEXTS, lower) || Object.hasOwn(DATES, lower);
}

/** @param name in small letters */
function propertyOf(name: string, value: Value): Record<string, unknown> {
  const text = [value].flat().join(', ');
  if (name === 'keywords') return { keywords: [value].flat().flatMap((each) => keywordsOf(String(each))) };
  if (name === 'trapped') return { trapped: TRAPPED[text.toLowerCase()] ?? text };
  const date = DATES[name];
  if (date !== undefined) return text === '' ? {} : { [date]: isoDateOf(text) };
  return { [TEXTS[name] ?? name]: text };
}

const keywordsOf = (text: string) => text.split(/[,;]/).flatMap((word) => word.trim() || []);
