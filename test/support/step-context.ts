import type { StepContext } from '../../src/finishing/step.ts';

/** What a step gets that runs in the test's own process. */
export function stepContext(
  files: Record<string, Uint8Array> = {},
  reportSheets: StepContext['reportSheets'] = () => undefined,
): StepContext {
  return {
    files: new Map(Object.entries(files)),
    reportSheets,
    ask: () => Promise.reject(new Error('there is no worker to ask')),
  };
}
