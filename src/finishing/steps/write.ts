import type { FinishingStep } from '../step.ts';
import type { WriteSettings } from '../write/write-files.ts';

/** Runs for every PDF that another step has made or changed: what an editor saves is larger than it need be. */
export const writeStep: FinishingStep<WriteSettings> = {
  name: 'write',
  settingsOf: ({ result: { finishing, split, output }, parts }) => {
    const isPicture = output !== undefined && output.type !== 'pdf';
    if (isPicture || !(finishing || split || parts.length > 1)) return undefined;
    const { objectStreams = true, linearize = false, encrypt } = finishing ?? {};
    return { objectStreams, linearize, encrypt };
  },
  load: async () => {
    const { writeFiles } = await import('../write/write-files.ts');
    return { run: writeFiles };
  },
};
