import type { StepList } from './step.ts';
import { appendStep } from './steps/append.ts';

/** What merges any number of documents: a process with this loads nothing else. */
export const STEPS: StepList = { module: import.meta.url, steps: [appendStep] };
