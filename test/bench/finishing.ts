import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Finisher } from '../../src/finishing/finisher.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { createFinisher, finish, pdfBytes } from '../support/finisher.ts';
import type { Doings } from '../support/steps.ts';
import type { BenchOptions } from './options.ts';
import { type Result, spread, type Stage } from './stage.ts';
import { steps } from './steps.ts';

const SIZES = { '50 KB': 50 * 1024, '5 MB': 5 * MEGABYTE, '50 MB': 50 * MEGABYTE };
const TRIVIAL: Doings = { first: { does: 'mark' } };
const ROUNDS = { warm: 50, cold: 10 };
const BURN_MS = 2_000;

/** What each step takes, what a job takes longer for a step that does nothing, and how long the worker's event loop is blocked meanwhile. */
export async function finishing(stage: Stage, { files }: BenchOptions): Promise<Result> {
  const caps = { maxBytes: 100 * MEGABYTE, maxPages: 100, memoryBytes: 2_048 * MEGABYTE };
  const warm = createFinisher({ isolation: 'tenant', caps });
  const cold = createFinisher({ isolation: 'job', caps });
  await Promise.all([warm.start(), cold.start()]);
  const result: Result = {};
  for (const [name, size] of Object.entries(SIZES)) {
    const pdf = { ...pdfBytes(Buffer.alloc(size, 'x')), chunks: piecesOf(size) };
    const once = (finisher: Finisher) => timeOf(() => finish(finisher, TRIVIAL, [pdf]));
    await once(warm);
    result[`${name}, in a process that is there`] = await rounds(ROUNDS.warm, () => once(warm));
    result[`${name}, in a new process`] = await rounds(ROUNDS.cold, () => once(cold));
    result[`${name}, without a step`] = await rounds(ROUNDS.warm, () => timeOf(() => finish(warm, {}, [pdf])));
  }
  result[`event loop while a step takes the CPU for ${BURN_MS} ms`] = await rounds(2, () =>
    timeOf(() => finish(warm, { first: { does: 'burn', ms: BURN_MS } })),
  );
  await Promise.all([warm.stop(), cold.stop()]);
  return { ...(await steps(stage, files)), ...result };
}

/** As the browser sends a PDF. */
function piecesOf(size: number): Uint8Array[] {
  const count = Math.ceil(size / MEGABYTE);
  return Array.from({ length: count }, (_, index) => Buffer.alloc(Math.min(MEGABYTE, size - index * MEGABYTE), 'x'));
}

async function timeOf(work: () => Promise<{ kind: string }>): Promise<number> {
  const startedAt = performance.now();
  const { kind } = await work();
  if (kind !== 'done') throw new Error(`the job ended as ${kind}`);
  return performance.now() - startedAt;
}

async function rounds(count: number, once: () => Promise<number>): Promise<string> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times: number[] = [];
  for (let round = 0; round < count; round++) times.push(await once());
  delay.disable();
  return `${spread(times)}  event loop blocked for at most ${(delay.max / 1e6).toFixed(1)} ms`;
}
