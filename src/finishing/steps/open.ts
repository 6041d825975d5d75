import { fieldOfPart } from '../field-of-part.ts';
import type { FinishingStep } from '../step.ts';
import { isDescribed } from './describe.ts';
import type { OpenSettings } from '../uploads/open-uploads.ts';

/** Uploads are written anew before anything else reads them. */
export const openStep: FinishingStep<OpenSettings> = {
  name: 'open',
  settingsOf: (job) => {
    const { parts } = job;
    if (isDescribed(job) || !parts.some(({ isUploaded }) => isUploaded)) return undefined;
    return parts.map(({ isUploaded, password }, index) => {
      const field = fieldOfPart(index, parts.length);
      return { isUploaded, field, ...(password !== undefined && { password }) };
    });
  },
  load: async () => ({ run: (await import('../uploads/open-uploads.ts')).openUploads }),
};
