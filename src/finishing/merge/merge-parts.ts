import type { BookmarkKind } from '../../domain/finishing.ts';
import { Draft } from '../draft.ts';
import { assemble } from './assemble.ts';
import { titleOf } from './assembly.ts';
import type { Part } from './part-pages.ts';
import { Source } from './source.ts';

/** Of each part, for its bookmark; null: its own title. */
export interface MergeSettings {
  titles: (string | null)[];
  /** what parts without any title are called; default: by their numbers */
  names?: (string | null)[];
  /** which bookmarks there are; default: both */
  bookmarks?: BookmarkKind | undefined;
}

/** Makes one PDF of all. */
export async function mergeParts(drafts: Draft[], { titles, names = [], bookmarks }: MergeSettings): Promise<Draft[]> {
  if (drafts.length === 1) return drafts;
  const parts: Part[] = [];
  for (const [index, draft] of drafts.entries()) {
    const source = new Source(await draft.document());
    const name = titleOf(source) === undefined ? names[index] : undefined;
    parts.push({ source, title: titles[index] ?? name ?? undefined });
  }
  return [Draft.of(assemble(parts, bookmarks), { isUploaded: drafts.some(({ isUploaded }) => isUploaded) })];
}
