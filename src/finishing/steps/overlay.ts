import { type OverlaySettings, overlaySettings } from '../overlay/layers.ts';
import type { FinishingStep } from '../step.ts';

/** Puts layers over and under pages. */
export const overlayStep: FinishingStep<OverlaySettings> = {
  name: 'overlay',
  settingsOf: overlaySettings,
  load: async () => ({ run: (await import('../overlay/overlay-pages.ts')).overlayPages }),
};
