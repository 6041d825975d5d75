import type { Bookmark } from '../../domain/finishing.ts';
import type { FinishingStep } from '../step.ts';
import { isDescribed } from './describe.ts';

/** Other bookmarks of parts than those that they have; null: none are given. */
export const outlinesStep: FinishingStep<(readonly Bookmark[] | null)[]> = {
  name: 'outlines',
  settingsOf: (job) => {
    if (isDescribed(job) || !job.parts.some(({ bookmarks }) => bookmarks)) return undefined;
    return job.parts.map(({ bookmarks }) => bookmarks ?? null);
  },
  load: async () => ({ run: (await import('../merge/set-bookmarks.ts')).setBookmarksOfParts }),
};
