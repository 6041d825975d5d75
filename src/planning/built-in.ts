import type { Calibration } from './calibration.ts';

/** Measured with `pdfprompt plan --calibrate` on a cloud machine of two cores: what plans rest on until it is done here. */
export const BUILT_IN_CALIBRATION: Calibration = {
  source: 'built-in',
  measuredAt: '2026-11-25T00:00:00.000Z',
  cores: 2,
  samples: 0,
  documents: {},
};
