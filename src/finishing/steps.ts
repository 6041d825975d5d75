import type { StepList } from './step.ts';

/** Every step, in the order in which they run. A step has a file of its own and is named here. */
export const STEPS: StepList = { module: import.meta.url, steps: [] };
