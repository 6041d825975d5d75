import type { Rotate } from '../merge/choose-pages.ts';
import type { FinishingStep } from '../step.ts';

/** Turns pages. */
export const rotateStep: FinishingStep<Rotate> = {
  name: 'rotate',
  settingsOf: ({ result }) => result.finishing?.rotate,
  load: async () => ({ run: (await import('../merge/choose-pages.ts')).rotatePages }),
};
