import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Seconds of the files that take more than ten, while others run. Those begin first: otherwise one of them is left
 * at the end, with nothing beside it. If a figure is wrong, only the run is longer.
 */
export const SECONDS: Readonly<Record<string, number>> = {
  'integration/hostile-templates.test.ts': 72,
  'e2e/pack.test.ts': 69,
  'e2e/chaos.test.ts': 68,
  'integration/finishing-faults.test.ts': 65,
  'integration/finishing-pairs.test.ts': 59,
  'e2e/suspects.test.ts': 56,
  'e2e/finishing-examples.test.ts': 48,
  'e2e/deliveries-chaos.test.ts': 43,
  'e2e/worker-life.test.ts': 40,
  'e2e/workers.test.ts': 39,
  'e2e/render-folder.test.ts': 38,
  'e2e/render.test.ts': 33,
  'integration/readme.test.ts': 32,
  'integration/leaks.test.ts': 31,
  'integration/finishing-archive.test.ts': 30,
  'e2e/database-faults.test.ts': 29,
  'e2e/batch-command.test.ts': 29,
  'e2e/offending-documents.test.ts': 27,
  'integration/schedule-year.test.ts': 25,
  'integration/finishing.test.ts': 25,
  'integration/gotenberg-engines.test.ts': 25,
  'integration/deliverer-processes.test.ts': 25,
  'integration/deliveries-egress.test.ts': 24,
  'integration/memory-pressure.test.ts': 23,
  'integration/all-pairs.test.ts': 23,
  'integration/lifecycle.test.ts': 23,
  'integration/deliveries.test.ts': 21,
  'integration/composer.test.ts': 21,
  'e2e/embedded-processes.test.ts': 21,
  'integration/finishing-layers.test.ts': 20,
  'integration/s3-store.test.ts': 20,
  'integration/render-options.test.ts': 19,
  'integration/links.test.ts': 18,
  'integration/finishing-jobs.test.ts': 17,
  'integration/stores.test.ts': 16,
  'integration/merge-items.test.ts': 16,
  'integration/isolation-modes.test.ts': 16,
  'unit/finishing-growing-merge.test.ts': 15,
  'unit/batch-turns.test.ts': 15,
  'integration/migrate.test.ts': 15,
  'e2e/up.test.ts': 15,
  'integration/hostile.test.ts': 15,
  'integration/fuzz.test.ts': 14,
  'integration/pictures.test.ts': 14,
  'integration/silent-peer.test.ts': 14,
  'integration/embedded.test.ts': 14,
  'integration/health.test.ts': 13,
  'integration/batch-command.test.ts': 13,
  'integration/events-restart.test.ts': 13,
  'unit/unzip.test.ts': 13,
  'integration/document-files.test.ts': 12,
  'e2e/merged-batches.test.ts': 12,
  'unit/finishing-uploads.test.ts': 12,
  'unit/finishing-check.test.ts': 12,
  'unit/regexes.test.ts': 11,
  'integration/schedules-api.test.ts': 11,
  'integration/batch-zip.test.ts': 11,
  'integration/sql-submit.test.ts': 11,
};

/** Projects in their order in the configuration, each with its longest file first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const names = this.ctx.projects.map(({ name }) => name);
    const placeOf = ({ project }: TestSpecification) => names.indexOf(project.name);
    const secondsOf = ({ moduleId }: TestSpecification) =>
      SECONDS[moduleId.slice(moduleId.lastIndexOf('/test/') + 6)] ?? 0;
    // Those without a figure keep their order: the largest file first.
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b) || secondsOf(b) - secondsOf(a));
  }
}
