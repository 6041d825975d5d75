/** @module-tag long */

import { expect, it } from 'vitest';
import { BATCH_FAULTS, runBatchChaos } from '../chaos/run-batch.ts';

it('makes each row of a batch once, whatever is ended', async () => {
  const faults = Object.keys(BATCH_FAULTS).length; // each kind once
  const report = await runBatchChaos({ jobs: 120, faults, onProgress: () => undefined });
  expect(Object.keys(report.faults)).toHaveLength(faults);
  for (const finding of report.findings) expect(finding).toMatchObject({ wrong: [] });
}, 900_000);
