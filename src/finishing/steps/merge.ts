import { pictureOfPage } from '../../domain/output.ts';
import type { MergeSettings } from '../merge/merge-parts.ts';
import type { FinishingStep } from '../step.ts';

/** One PDF of several parts, unless they are pictures. */
export const mergeStep: FinishingStep<MergeSettings> = {
  name: 'merge',
  settingsOf: ({ parts, result: { output, split } }) => {
    const arePictures = pictureOfPage(output) !== undefined;
    if (parts.length === 1 || arePictures || split?.parts) return undefined;
    return { titles: parts.map(({ title }) => title ?? null), names: parts.map(({ name }) => name ?? null) };
  },
  load: async () => ({ run: (await import('../merge/merge-parts.ts')).mergeParts }),
};
