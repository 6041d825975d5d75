import type { PropertiesSettings } from '../archive/properties.ts';
import type { FinishingStep } from '../step.ts';
import { claimsOf } from './conformance.ts';

export const propertiesStep: FinishingStep<PropertiesSettings> = {
  name: 'properties',
  settingsOf: ({ result: { finishing } }) =>
    finishing?.properties && { properties: finishing.properties, hasClaims: claimsOf(finishing) !== undefined },
  load: async () => {
    const { setProperties } = await import('../archive/properties.ts');
    return { run: setProperties };
  },
};
