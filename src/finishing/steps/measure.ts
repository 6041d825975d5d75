import type { FinishingStep } from '../step.ts';
import { layersToPrint } from '../overlay/layers.ts';

/** Reports how large pages are shown, so that layers can be printed for them. */
export const measureStep: FinishingStep<true> = {
  name: 'measure',
  settingsOf: ({ result }) => (layersToPrint(result).length > 0 ? true : undefined),
  load: async () => ({ run: (await import('../overlay/measure-pages.ts')).measurePages }),
};
