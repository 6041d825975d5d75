import type { FinishingStep } from '../step.ts';

/** Form fields and annotations become part of the page. */
export const flattenStep: FinishingStep<true> = {
  name: 'flatten',
  settingsOf: ({ result }) => (result.finishing?.flatten ? true : undefined),
  load: async () => ({ run: (await import('../flatten/flatten-pages.ts')).flattenPages }),
};
