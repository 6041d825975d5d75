import type { PropertiesSettings } from '../archive/properties.ts';
import type { FinishingStep } from '../step.ts';

export const propertiesStep: FinishingStep<PropertiesSettings> = {
  name: 'properties',
  settingsOf: ({ result: { finishing } }) => finishing?.properties && { properties: finishing.properties },
  load: async () => {
    const { setProperties } = await import('../archive/properties.ts');
    return { run: setProperties };
  },
};
