import { isPicture } from '../../domain/output.ts';
import type { PagePictures } from '../pictures/page-pictures.ts';
import type { FinishingStep } from '../step.ts';

const DEFAULTS = { dpi: 96, quality: 80 };

/** Pictures of pages, instead of the PDF. */
export const picturesStep: FinishingStep<PagePictures> = {
  name: 'pictures',
  settingsOf: ({ result: { output } }) => {
    if (!isPicture(output) || output.pages === undefined) return undefined;
    const { type, pages, dpi = DEFAULTS.dpi, quality = DEFAULTS.quality } = output;
    return { type, pages, dpi, quality };
  },
  load: async () => {
    const { pagePictures } = await import('../pictures/page-pictures.ts');
    return { run: pagePictures };
  },
};
