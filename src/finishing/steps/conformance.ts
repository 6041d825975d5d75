import type { Finishing } from '../../domain/finishing.ts';
import { impliedConformance } from '../../domain/implied-options.ts';
import type { Claims } from '../archive/xmp.ts';
import type { FinishingStep } from '../step.ts';

/** What the PDF is to claim; undefined: nothing. */
export function claimsOf(finishing: Finishing | undefined): Claims | undefined {
  const conformance = finishing ? impliedConformance(finishing) : [];
  return conformance.length > 0 ? { conformance, facturx: finishing?.facturx?.level } : undefined;
}

export const conformanceStep: FinishingStep<Claims> = {
  name: 'conformance',
  settingsOf: ({ result: { finishing } }) => claimsOf(finishing),
  load: async () => {
    const { conform } = await import('../archive/conform.ts');
    return { run: conform };
  },
};
