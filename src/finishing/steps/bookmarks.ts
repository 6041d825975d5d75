import type { Bookmark } from '../../domain/finishing.ts';
import type { FinishingStep } from '../step.ts';

/** Other bookmarks than those that there are. */
export const bookmarksStep: FinishingStep<readonly Bookmark[]> = {
  name: 'bookmarks',
  settingsOf: ({ result: { finishing: { bookmarks } = {} } }) =>
    typeof bookmarks === 'string' ? undefined : bookmarks,
  load: async () => ({ run: (await import('../merge/set-bookmarks.ts')).setBookmarks }),
};
