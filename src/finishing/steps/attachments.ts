import type { Attachments } from '../archive/attach.ts';
import type { FinishingStep } from '../step.ts';

export const attachmentsStep: FinishingStep<Attachments> = {
  name: 'attachments',
  settingsOf: ({ result: { finishing } }) => finishing?.attachments,
  load: async () => {
    const { attach } = await import('../archive/attach.ts');
    return { run: attach };
  },
};
