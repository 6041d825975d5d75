import type { Fields } from '../fields.ts';
import { isObject, type JsonObject } from './json-object.ts';

/** Bookmarks for every PDF of a form, or for some of them by their names. */
export type BookmarkLists = { all: unknown[] } | { byName: Record<string, unknown[]> };

const ALLOWED =
  'a JSON list such as [{"title": "Start", "page": 1, "children": []}], or an object of lists by file names';

/** The field `bookmarks`. What is in the lists is checked with the request. */
export function bookmarkLists(fields: Fields): BookmarkLists | undefined {
  return fields.json('bookmarks', listsOf, ALLOWED);
}

function listsOf(json: unknown): BookmarkLists | undefined {
  if (Array.isArray(json)) return { all: withoutEmpty(json) };
  if (!isObject(json)) return undefined;
  const lists = Object.entries(json).map(([name, list]) => [
    name,
    Array.isArray(list) ? withoutEmpty(list) : undefined,
  ]);
  if (lists.some(([, list]) => list === undefined)) return undefined;
  return { byName: Object.fromEntries(lists) as Record<string, unknown[]> };
}

/** Without members that say nothing: clients send `"children": null`. */
function withoutEmpty(list: readonly unknown[]): unknown[] {
  return list.map((each) => {
    if (!isObject(each)) return each;
    const { title, page, children } = each;
    const isParent = Array.isArray(children) && children.length > 0;
    return { title, page, ...(isParent && { children: withoutEmpty(children) }) };
  });
}

/** Bookmarks of a PDF as `bookmarks/read` gives them. @param described one of the `files` of a job with `output: "json"` */
export function bookmarksOf(described: JsonObject): unknown[] {
  const { bookmarks } = described;
  return Array.isArray(bookmarks) ? withoutEmpty(bookmarks) : [];
}
