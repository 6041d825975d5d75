import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { isUnit, readTags, type Tag, TAGS } from './test/support/tags.ts';

/** Reads a million rows over and over: what other tests measure beside it would be its doing. */
const ALONE = 'test/e2e/queries.test.ts';

const tagged = [...readTags()];
const files = (isWanted: (path: string, tags: Tag[]) => boolean) =>
  tagged.filter(([path, tags]) => isWanted(path, tags)).map(([path]) => path);

/** A real Postgres and a real Chromium for the whole run. */
const services = { globalSetup: ['test/support/global-setup.ts'] };
/** Files share a process: what they load is loaded once. Each undoes what it changes there. */
const together = { isolate: false };

function project(name: string, groupOrder: number, include: string[], options: object) {
  return { extends: true as const, test: { name, include, sequence: { groupOrder }, ...options } };
}

export default defineConfig({
  test: {
    // Two wait for something while one works. More are no faster on two cores.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/set-up.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    tags: TAGS.map((name) => ({ name })),
    // `npm test` is unit and quick; `npm run test:all` these and long; `npm run test:user` is user.
    projects: [
      project('unit', 0, files(isUnit), together),
      project('quick', 0, files((path, tags) => !isUnit(path) && !tags.includes('long')), { ...services, ...together }),
      project('long', 0, files((path, tags) => tags.includes('long') && path !== ALONE), services),
      project('long alone', 1, [ALONE], services),
      project('user', 2, files((_, tags) => tags.includes('user')), { ...services, ...together }),
    ], // prettier-ignore
  },
});
