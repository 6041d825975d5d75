import { availableParallelism } from 'node:os';
import { initialConcurrency } from '../config/load.ts';
import type { Config } from '../config/load.ts';
import type { Calibration } from '../planning/calibration.ts';
import { calibrationFromHistory } from '../planning/history.ts';
import { measureRenderer } from '../planning/measure-renderer.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { type Progress, withDatabase } from './database.ts';
import { buildRenderer } from './worker.ts';

interface CalibrateInput {
  config: Config;
  log: Logger;
  onProgress: Progress;
  /** HTML by name */
  documents: Readonly<Record<string, string>>;
  /** in all */
  seconds: number;
}

/** What documents cost on this machine, by the renderer of a worker and without a database. */
export async function calibrate({ config, log, onProgress, documents, seconds }: CalibrateInput): Promise<Calibration> {
  const renderer = await buildRenderer({ config, log, events: new Events(log), onProgress });
  await renderer.start();
  try {
    return await measureRenderer({
      renderer,
      documents,
      cores: availableParallelism(),
      slots: initialConcurrency(),
      seconds: seconds / Object.keys(documents).length,
      onProgress,
    });
  } finally {
    await renderer.stop();
  }
}

/** What the last jobs cost that this installation has done. */
export function calibrateFromDatabase(config: Config, onProgress: Progress): Promise<Calibration> {
  return withDatabase({ config, onProgress }, ({ db }) => calibrationFromHistory(db));
}
