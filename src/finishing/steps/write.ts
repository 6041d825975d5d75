import type { FinishingJob, FinishingStep } from '../step.ts';
import type { WriteSettings } from '../write/write-files.ts';

/** Whether there are PDFs in the end that another step has made or changed. */
export function isWritten({ result: { finishing, split, output }, parts }: FinishingJob): boolean {
  const isPdf = output === undefined || output.type === 'pdf';
  return isPdf && (finishing !== undefined || split !== undefined || parts.length > 1);
}

/** Runs for every PDF that another step has made or changed: what an editor saves is larger than it need be. */
export const writeStep: FinishingStep<WriteSettings> = {
  name: 'write',
  settingsOf: (job) => {
    if (!isWritten(job)) return undefined;
    const { objectStreams = true, linearize = false, encrypt } = job.result.finishing ?? {};
    return { objectStreams, linearize, encrypt };
  },
  load: async () => {
    const { writeFiles } = await import('../write/write-files.ts');
    return { run: writeFiles };
  },
};
