import type { FinishingJob, FinishingStep } from '../step.ts';
import { layersToPrint } from './layers.ts';

/** The step after which layers are printed. */
const BREAK = 'measure';

/**
 * The steps of one call: layers are printed for the sizes of the finished pages, so a job with some needs two. The first
 * one ends with the sizes, and the second one has the layers.
 */
export function stepsOfCall(
  steps: readonly FinishingStep[],
  { result, layers }: FinishingJob,
): readonly FinishingStep[] {
  if (layersToPrint(result).length === 0) return steps;
  const until = steps.findIndex(({ name }) => name === BREAK) + 1;
  return layers ? steps.slice(until) : steps.slice(0, until);
}
