import { objectOf } from './engines/json-object.ts';

/** Entries of an object whose values are all text. @returns undefined if it is none */
export function textEntries(json: unknown): [name: string, value: string][] | undefined {
  const entries = Object.entries(objectOf(json) ?? { none: undefined });
  return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string') ? entries : undefined;
}

/** @param isItem whether an item may be in the list. @returns undefined if it is no such list */
export function listOf<T>(json: unknown, isItem: (item: unknown) => item is T): T[] | undefined {
  return Array.isArray(json) && json.every(isItem) ? json : undefined;
}
