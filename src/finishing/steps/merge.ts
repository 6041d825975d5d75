import type { MergeSettings } from '../merge/merge-parts.ts';
import type { FinishingStep } from '../step.ts';

/** One PDF of several parts. */
export const mergeStep: FinishingStep<MergeSettings> = {
  name: 'merge',
  settingsOf: ({ parts }) => (parts.length > 1 ? { titles: parts.map(({ title }) => title ?? null) } : undefined),
  load: async () => ({ run: (await import('../merge/merge-parts.ts')).mergeParts }),
};
