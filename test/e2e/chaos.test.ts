/** @module-tag long */

import { expect, it } from 'vitest';
import { FAULTS } from '../chaos/faults.ts';
import { runChaos } from '../chaos/run.ts';

it('keeps what was promised, whatever is ended', async () => {
  const faults = Object.keys(FAULTS).length; // each kind once
  const report = await runChaos({ jobs: 80, faults, onProgress: () => undefined });
  expect(Object.keys(report.faults)).toHaveLength(faults);
  for (const finding of report.findings) expect(finding).toMatchObject({ wrong: [] });
}, 400_000);
