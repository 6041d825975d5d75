import { pictureOfPage } from '../../domain/output.ts';
import type { MergeSettings } from '../merge/merge-parts.ts';
import type { FinishingStep } from '../step.ts';
import { isDescribed } from './describe.ts';

/** One PDF of several parts, unless they are pictures. */
export const mergeStep: FinishingStep<MergeSettings> = {
  name: 'merge',
  settingsOf: (job) => {
    const {
      parts,
      result: { output, split, finishing },
    } = job;
    const arePictures = pictureOfPage(output) !== undefined;
    if (parts.length === 1 || arePictures || split?.parts || isDescribed(job)) return undefined;
    const { bookmarks } = finishing ?? {};
    const kind = typeof bookmarks === 'string' ? { bookmarks } : {};
    return { ...kind, titles: parts.map(({ title }) => title ?? null), names: parts.map(({ name }) => name ?? null) };
  },
  load: async () => ({ run: (await import('../merge/merge-parts.ts')).mergeParts }),
};
