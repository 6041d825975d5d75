import type { Split } from '../../domain/finishing.ts';
import type { FinishingStep } from '../step.ts';

/** Several files of one PDF. */
export const splitStep: FinishingStep<Split> = {
  name: 'split',
  settingsOf: ({ result }) => result.split,
  load: async () => ({ run: (await import('../merge/choose-pages.ts')).splitPages }),
};
