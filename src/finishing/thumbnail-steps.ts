import type { StepList } from './step.ts';
import { picturesStep } from './steps/pictures.ts';

/** What makes the small picture of a file's first page: a process with these loads nothing else. */
export const STEPS: StepList = { module: import.meta.url, steps: [picturesStep] };
