import type { Draft } from '../draft.ts';
import type { MergedDocument } from '../merge/growing-merge.ts';
import type { FinishingStep } from '../step.ts';

export interface AppendSettings {
  documents: readonly MergedDocument[];
  isLast: boolean;
}

/**
 * Adds documents to one PDF, call after call, and returns its next bytes: a process that has this step makes one PDF and
 * is given up. No request asks for it.
 */
export const appendStep: FinishingStep<AppendSettings> = {
  name: 'append',
  settingsOf: () => undefined,
  load: async () => {
    const { GrowingMerge } = await import('../merge/growing-merge.ts');
    const { Draft } = await import('../draft.ts');
    const merge = new GrowingMerge();
    const run = async (drafts: Draft[], { documents, isLast }: AppendSettings): Promise<Draft[]> => {
      const { bytes, pages } = await merge.add(drafts, documents);
      return [new Draft({ bytes: isLast ? Buffer.concat([bytes, merge.finish()]) : bytes, pages })];
    };
    return { run };
  },
};
