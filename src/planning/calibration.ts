import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { type DocumentCost, serviceCost } from './document-cost.ts';
import { simulate } from './queueing-model.ts';

const ms = z.number().min(0).max(3_600_000);
const cost: z.ZodType<DocumentCost> = z.strictObject({
  renderMs: ms.gt(0),
  newPageMs: ms,
  idleMs: ms,
  workerMs: ms,
  apiMs: ms,
  databaseMs: ms,
  parallelism: z.number().min(1).max(64),
  spread: z.array(z.number().min(0)).min(1).max(1_000),
  htmlBytes: z.number().min(0),
  pdfBytes: z.number().min(0),
});

const calibration = z.strictObject({
  /** `built-in`: other people's machine; `renderer`: this installation's; `database`: jobs that it has done */
  source: z.enum(['built-in', 'renderer', 'database']),
  /** ISO 8601 */
  measuredAt: z.string(),
  /** of the machine, for whoever reads it */
  cores: z.number().min(1),
  /** documents that were rendered for it */
  samples: z.number().min(0),
  documents: z.record(z.string(), cost),
});

export type Calibration = z.infer<typeof calibration>;

/** What was seen of one kind of document. */
export interface Measured {
  cores: number;
  /** documents rendered at a time when the machine was saturated */
  slots: number;
  /** milliseconds each, with the machine to itself */
  aloneMs: readonly number[];
  /** documents a second with every slot busy */
  saturatedRate: number;
  /** the same for tenants without a warm page, if it was measured */
  newPageRate?: number;
  /** from the claim until it is started */
  pickupMs?: number;
  /** of a core, for one document in the saturated run, beside the rendering; nothing if that was all there was */
  besidesMs?: number;
  htmlBytes: number;
  pdfBytes: number;
}

/**
 * The cost of a document, such that the model gives the throughput that was measured. What a core did for
 * it is not counted but concluded: saturated cores have nothing else to do.
 */
export function costOf(measured: Measured): DocumentCost {
  const { cores, slots, aloneMs, saturatedRate, newPageRate, pickupMs = 0, besidesMs = 0 } = measured;
  const alone = aloneMs.reduce((sum, each) => sum + each, 0) / aloneMs.length;
  const fit = (rate: number) => {
    let renderMs = Math.max(1, (cores * 1000) / rate - besidesMs);
    for (let turn = 0; turn < 6; turn++) {
      const idleMs = Math.max(0, alone - renderMs);
      const parallelism = Math.max(1, Math.min(cores, renderMs / alone));
      const { throughput } = simulate({
        workers: 1,
        cores,
        slots,
        pickupMs,
        parallelism,
        rate: Infinity,
        documents: 400,
        seed: 1,
        demand: () => ({
          renderMs,
          idleMs,
          afterMs: besidesMs,
        }),
      });
      renderMs = Math.max(0.1, renderMs + (besidesMs + renderMs) * (throughput / rate - 1));
    }
    return renderMs;
  };
  const renderMs = fit(saturatedRate);
  const { htmlBytes, pdfBytes } = measured;
  return {
    renderMs,
    newPageMs:
      newPageRate === undefined ? 0 : Math.max(0, (cores * 1000) / newPageRate - (cores * 1000) / saturatedRate),
    idleMs: Math.max(0, alone - renderMs),
    ...serviceCost({ htmlBytes, pdfBytes }),
    parallelism: Math.max(1, Math.min(cores, renderMs / alone)),
    spread: spreadOf(aloneMs),
    htmlBytes,
    pdfBytes,
  };
}

const QUANTILES = 40;

/** Equally likely multiples of the mean, as few as will do. */
export function spreadOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = Math.min(QUANTILES, sorted.length);
  const groups = Array.from({ length: count }, (_, index) => {
    const group = sorted.slice(
      Math.floor((index * sorted.length) / count),
      Math.floor(((index + 1) * sorted.length) / count),
    );
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
  const mean = groups.reduce((sum, value) => sum + value, 0) / count;
  return groups.map((value) => round(value / mean));
}

const round = (value: number) => Math.round(value * 1000) / 1000;

const FILE = 'calibration.json';

/** Kept beside what else this installation has. @returns where */
export async function saveCalibration(dataDir: string, calibration: Calibration): Promise<string> {
  const path = join(dataDir, FILE);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(calibration, null, 2)}\n`);
  await rename(`${path}.new`, path);
  return path;
}

/** @returns undefined if nothing was measured here yet @throws OperatorError if the file is not one of ours */
export async function readCalibration(dataDir: string): Promise<Calibration | undefined> {
  const path = join(dataDir, FILE);
  try {
    return calibration.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new OperatorError(`${path} is no calibration: ${messageOf(error)}. Type: pdfprompt plan --calibrate`, {
      cause: error,
    });
  }
}
