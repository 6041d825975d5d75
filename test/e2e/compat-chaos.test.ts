/** @module-tag long */

import { expect, it } from 'vitest';
import { FAULTS } from '../chaos/faults.ts';
import { runCompatChaos } from '../chaos/run-compat.ts';

it('answers each form with its file or 503, whatever is ended', async () => {
  const faults = Object.keys(FAULTS).length; // each kind once
  const report = await runCompatChaos({ jobs: 120, faults, onProgress: () => undefined });
  expect(Object.keys(report.faults)).toHaveLength(faults);
  for (const finding of report.findings) expect(finding).toMatchObject({ wrong: [] });
}, 400_000);
