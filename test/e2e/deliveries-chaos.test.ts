/** @module-tag long */

import { expect, it } from 'vitest';
import { DELIVERY_FAULTS, runDeliveriesChaos } from '../chaos/run-deliveries.ts';

it('delivers every end, whichever process is killed and whatever the receivers do', async () => {
  const faults = DELIVERY_FAULTS; // each kind once
  const report = await runDeliveriesChaos({ jobs: 300, faults, isShort: true, onProgress: () => undefined });
  expect(Object.keys(report.faults)).toHaveLength(faults);
  for (const finding of report.findings) expect(finding).toMatchObject({ wrong: [] });
}, 300_000);
