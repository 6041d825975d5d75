import type { Finishing } from '../../domain/finishing.ts';
import { impliedConformance } from '../../domain/implied-options.ts';
import type { ConformSettings } from '../archive/conform.ts';
import type { Claims } from '../archive/xmp.ts';
import type { FinishingStep } from '../step.ts';
import { isWritten } from './write.ts';

/** What the PDF is to claim; undefined: nothing. */
function claimsOf(finishing: Finishing | undefined): Claims | undefined {
  const conformance = finishing ? impliedConformance(finishing) : [];
  const { level, documentType, version } = finishing?.facturx ?? {};
  const facturx = level && { level, documentType, version };
  return conformance.length > 0 ? { conformance, facturx } : undefined;
}

/** PDFs that were given may claim something already, which has to hold when they have been changed. */
export const conformanceStep: FinishingStep<ConformSettings> = {
  name: 'conformance',
  settingsOf: (job) => {
    const { parts, result } = job;
    const { finishing } = result;
    const asked = claimsOf(finishing);
    const mayClaim = isWritten(job) && parts.some(({ isUploaded }) => isUploaded);
    if (!asked && !mayClaim) return undefined;
    const isMerged = (parts.length > 1 && !result.split?.parts) || parts.some((part) => part.isMerged);
    return { conformance: [], ...asked, isEncrypted: finishing?.encrypt !== undefined, isMerged };
  },
  load: async () => {
    const { conform } = await import('../archive/conform.ts');
    return { run: conform };
  },
};
