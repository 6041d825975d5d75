import { spawn } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { isAlive, readProcessFile, threadsOf } from '../../src/kernel/processes.ts';
import {
  privateBytes,
  processTree,
  processType,
  proportionalBytes,
  seccompFilters,
} from '../../src/memory/processes.ts';

/** A shell that starts processes without end, each of which is gone at once. */
const churn = spawn('sh', ['-c', 'while :; do (:) & (:) & wait; done'], { stdio: 'ignore' });
afterAll(() => churn.kill('SIGKILL'));
const root = churn.pid ?? 0;

/** Whatever is asked of a process anywhere in src/. */
const QUESTIONS = {
  processTree,
  processType,
  privateBytes,
  proportionalBytes,
  seccompFilters,
  isAlive,
  threadsOf,
  readProcessFile: (pid: number) => readProcessFile(pid, 'comm'),
};

describe('what is asked of a process that ends meanwhile', () => {
  it.each(Object.entries(QUESTIONS))('%s has an answer all the same', (_, ask) => {
    const seen = new Set<number>();
    const before = performance.now();
    for (let round = 0; round < 2_000 && seen.size < 60 && performance.now() - before < 20_000; round++)
      for (const pid of processTree(root)) {
        ask(pid); // throws nothing, though hardly any of them is there any more
        seen.add(pid);
      }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('is nothing where there never was one', () => {
    const nobody = 2 ** 22 + 1; // above the largest id that Linux gives
    expect(processTree(nobody)).toEqual([nobody]);
    expect(processType(nobody)).toBeUndefined();
    expect(privateBytes(nobody)).toBe(0);
    expect(proportionalBytes(nobody)).toBe(0);
    expect(seccompFilters(nobody)).toBeUndefined();
    expect(isAlive(nobody)).toBe(false);
    expect(threadsOf(nobody)).toEqual([]);
    expect(readProcessFile(nobody, 'status')).toBeUndefined();
  });

  it('is there for ourselves', () => {
    expect(processTree(process.pid)).toEqual(expect.arrayContaining([process.pid, root]));
    expect(privateBytes(process.pid)).toBeGreaterThan(1_000_000);
    expect(proportionalBytes(process.pid)).toBeGreaterThan(1_000_000);
    expect(seccompFilters('self')).toBeGreaterThanOrEqual(0);
  });
});
