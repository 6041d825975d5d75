import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with the files in which something failed, the minutes, and the counts in one line that any tool can read. */
export default class ClosingLineReporter implements Reporter {
  #startedAt = performance.now();

  onTestRunStart(): void {
    this.#startedAt = performance.now();
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) counts[test.result().state]++;
      if (module.state() === 'failed') process.stdout.write(`\nfailed file: ${relative('.', module.moduleId)}`);
    }
    const skipped = counts.skipped + counts.pending;
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    process.stdout.write(
      `\n${modules.length} files in ${Math.floor(seconds / 60)} min ${seconds % 60} s` +
        `\n${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
    );
  }
}
