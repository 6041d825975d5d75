import type { FacturxSettings } from '../archive/facturx.ts';
import type { FinishingStep } from '../step.ts';

export const facturxStep: FinishingStep<FacturxSettings> = {
  name: 'facturx',
  settingsOf: ({ result: { finishing } }) => finishing?.facturx,
  load: async () => {
    const { addInvoice } = await import('../archive/facturx.ts');
    return { run: addInvoice };
  },
};
