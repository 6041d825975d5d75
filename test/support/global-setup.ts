import type { TestProject } from 'vitest/node';
import type { Services } from './services.ts';

declare module 'vitest' {
  export interface ProvidedContext extends Pick<Services, 'templateUrl' | 'dataDir'> {}
}

/** Of the whole run: each project loads this file anew, and the database driver can be loaded but once. */
const run = globalThis as { services?: Promise<Services>; projects?: number };

/** Every project that needs services gets the same; the last one stops them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  run.projects = (run.projects ?? 0) + 1;
  run.services ??= import('./services.ts').then(({ startServices }) => startServices());
  const { templateUrl, dataDir, stop } = await run.services;
  project.provide('templateUrl', templateUrl);
  project.provide('dataDir', dataDir);
  return async () => {
    run.projects = (run.projects ?? 1) - 1;
    if (run.projects === 0) await stop();
  };
}
