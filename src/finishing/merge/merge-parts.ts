import { Draft } from '../draft.ts';
import { assemble } from './assemble.ts';
import type { Part } from './part-pages.ts';
import { Source } from './source.ts';

/** Of each part, for its bookmark; null: its own title. */
export interface MergeSettings {
  titles: (string | null)[];
}

/** Makes one PDF of all. */
export async function mergeParts(drafts: Draft[], { titles }: MergeSettings): Promise<Draft[]> {
  if (drafts.length === 1) return drafts;
  const parts: Part[] = [];
  for (const [index, draft] of drafts.entries())
    parts.push({ source: new Source(await draft.document()), title: titles[index] ?? undefined });
  return [Draft.of(assemble(parts), { isUploaded: drafts.some(({ isUploaded }) => isUploaded) })];
}
