import type { DescribeSettings } from '../describe/describe-pdfs.ts';
import { fieldOfPart } from '../field-of-part.ts';
import type { FinishingJob, FinishingStep } from '../step.ts';

/** Whether the job says what is in its PDFs instead of making one. Then no other step has anything to do. */
export const isDescribed = ({ result: { output } }: FinishingJob): boolean => output?.type === 'json';

/** What is in PDFs, as JSON. Uploads are opened here, so that it is known how they came. */
export const describeStep: FinishingStep<DescribeSettings> = {
  name: 'describe',
  settingsOf: (job) => {
    if (!isDescribed(job)) return undefined;
    return job.parts.map(({ isUploaded, password, filename }, index) => ({
      isUploaded,
      field: fieldOfPart(index, job.parts.length),
      ...(password !== undefined && { password }),
      ...(filename !== undefined && { filename }),
    }));
  },
  load: async () => ({ run: (await import('../describe/describe-pdfs.ts')).describePdfs }),
};
