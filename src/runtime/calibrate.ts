import { availableParallelism } from 'node:os';
import { type Config, initialConcurrency } from '../config/load.ts';
import type { Calibration } from '../planning/calibration.ts';
import { measureRenderer } from '../planning/measure-renderer.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Progress } from './acquire-database.ts';
import { buildRenderer } from './renderer.ts';

interface CalibrateInput {
  config: Config;
  log: Logger;
  onProgress: Progress;
  /** HTML by name */
  documents: Readonly<Record<string, string>>;
  /** for all documents together */
  seconds: number;
}

/** What documents cost on this machine, with a worker's renderer and without a database. */
export async function calibrate(input: CalibrateInput): Promise<Calibration> {
  const renderer = await buildRenderer({ ...input, events: new Events(input.log) });
  await renderer.start();
  try {
    const machine = { cores: availableParallelism(), slots: initialConcurrency() };
    return await measureRenderer({ ...input, ...machine, renderer });
  } finally {
    await renderer.stop();
  }
}
