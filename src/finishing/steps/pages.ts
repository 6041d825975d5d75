import type { FinishingStep } from '../step.ts';

/** Which pages are kept, and in which order. */
export const pagesStep: FinishingStep<string> = {
  name: 'pages',
  settingsOf: ({ result }) => result.finishing?.pages,
  load: async () => ({ run: (await import('../merge/choose-pages.ts')).keepPages }),
};
