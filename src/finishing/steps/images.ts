import type { ImageSettings } from '../images/shrink-images.ts';
import type { FinishingStep } from '../step.ts';

/** Images with more pixels than are needed become smaller. */
export const imagesStep: FinishingStep<ImageSettings> = {
  name: 'images',
  settingsOf: ({ result }) => result.finishing?.images,
  load: async () => ({ run: (await import('../images/shrink-images.ts')).shrinkImages }),
};
