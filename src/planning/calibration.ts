import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { type DocumentCost, documentCost, serviceCost } from './document-cost.ts';
import { simulate } from './queueing-model.ts';

const calibration = z.strictObject({
  /** `built-in`: another machine; `renderer`: the renderer of this installation; `database`: jobs it has completed */
  source: z.enum(['built-in', 'renderer', 'database']),
  /** ISO 8601 */
  measuredAt: z.string(),
  /** of the machine, for information */
  cores: z.number().min(1),
  /** documents that were rendered for it */
  samples: z.number().min(0),
  documents: z.record(z.string(), documentCost),
});

export type Calibration = z.infer<typeof calibration>;

/** The distribution of one document's time when it is rendered again and again. */
const SPREAD = [0.86, 0.9, 0.93, 0.95, 0.97, 0.99, 1.01, 1.04, 1.1, 1.25];

const builtIn = (renderMs: number, newPageMs: number, htmlBytes: number, pdfBytes: number): DocumentCost => {
  const size = { htmlBytes, pdfBytes };
  return { renderMs, newPageMs, idleMs: 0, parallelism: 1.2, spread: SPREAD, ...serviceCost(size), ...size };
};

/**
 * The basis of plans until something is measured here: two cores of a cloud machine, the renderer alone
 * (docs/performance.md); the report of fifty pages by its ratio to the invoice.
 */
export const BUILT_IN_CALIBRATION: Calibration = {
  source: 'built-in',
  measuredAt: '2026-11-25T00:00:00.000Z',
  cores: 2,
  samples: 0,
  documents: {
    invoice: builtIn(93, 111, 4_200, 57_000),
    ticket: builtIn(95, 213, 590_000, 430_000),
    report: builtIn(300, 150, 111_000, 123_000),
  },
};

/** What was measured of one kind of document. */
interface Measured {
  cores: number;
  /** documents at a time in the saturated run */
  slots: number;
  /** milliseconds each, with the machine to itself */
  aloneMs: readonly number[];
  /** documents a second while every slot is busy */
  saturatedRate: number;
  /** the same for tenants without a warm page, if it was measured */
  newPageRate?: number;
  /** from when a slot takes the document until its work begins (default: 0) */
  pickupMs?: number;
  /** of a core for one document in the saturated run apart from the rendering (default: 0) */
  otherWorkMs?: number;
  htmlBytes: number;
  pdfBytes: number;
}

/**
 * The cost of a document, such that the model has the throughput that was measured. Its work is not counted but
 * derived: saturated cores have nothing else to do. In the model, too, cores idle for moments, which the loop corrects.
 */
export function costOf(measured: Measured): DocumentCost {
  const { cores, slots, saturatedRate, newPageRate, pickupMs = 0, otherWorkMs = 0, htmlBytes, pdfBytes } = measured;
  const alone = mean(measured.aloneMs);
  const workMs = (cores * 1000) / saturatedRate;
  const partsOf = (renderMs: number) => ({
    renderMs,
    idleMs: Math.max(0, alone - renderMs),
    parallelism: Math.max(1, Math.min(cores, renderMs / alone)),
  });
  let parts = partsOf(Math.max(1, workMs - otherWorkMs));
  for (let turn = 0; turn < 6; turn++) {
    const demand = { ...parts, afterMs: otherWorkMs };
    const machine = { workers: 1, cores, slots, pickupMs, parallelism: parts.parallelism };
    const { throughput } = simulate({ ...machine, rate: Infinity, documents: 400, seed: 1, demand: () => demand });
    const error = throughput / saturatedRate - 1;
    parts = partsOf(Math.max(0.1, parts.renderMs + (otherWorkMs + parts.renderMs) * error));
  }
  return {
    ...parts,
    newPageMs: newPageRate === undefined ? 0 : Math.max(0, (cores * 1000) / newPageRate - workMs),
    ...serviceCost({ htmlBytes, pdfBytes }),
    spread: spreadOf(measured.aloneMs),
    htmlBytes,
    pdfBytes,
  };
}

/** Equally likely multiples of the mean, at most 40. */
export function spreadOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = Math.min(40, sorted.length);
  const start = (group: number) => Math.floor((group * sorted.length) / count);
  const groups = Array.from({ length: count }, (_, group) => mean(sorted.slice(start(group), start(group + 1))));
  return groups.map((value) => Math.round((value / mean(groups)) * 1000) / 1000);
}

export const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const FILE = 'calibration.json';

/** Keeps it in the data directory. @returns the path */
export async function saveCalibration(dataDir: string, measured: Calibration): Promise<string> {
  const path = join(dataDir, FILE);
  await mkdir(dataDir, { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(measured, null, 2)}\n`);
  await rename(`${path}.new`, path);
  return path;
}

/** @returns undefined if nothing was measured here yet @throws OperatorError if the file is invalid */
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
