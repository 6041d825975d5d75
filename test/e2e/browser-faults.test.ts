/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { processTree, processType } from '../../src/memory/processes.ts';
import { createDatabase } from '../support/database.ts';
import { eventually, isAlive } from '../support/processes.ts';
import { createService } from '../support/remote-service.ts';

const { url } = await createDatabase();
const { worker, submit, jobOf } = await createService(url, ['ann', 'bob', 'cid']);

/** Of the worker. */
const processesOf = (type: string | undefined) =>
  processTree(worker.pid).filter((pid) => pid !== worker.pid && isAlive(pid) && processType(pid) === type);

/**
 * Four documents are always being rendered, while `kill` is called again and again: at any moment of a rendering, but
 * only after `between` jobs were completed since the last time. So those that were hit had their turn, on a slow
 * machine too: a document that is hit every time is given up, and rightly.
 */
async function underLoad(kills: number, between: number, kill: () => number | undefined): Promise<Job[]> {
  const jobs: Job[] = [];
  let isOver = false;
  const load = async (tenant: string) => {
    while (!isOver) {
      const id = await submit(tenant, `<h1>${jobs.length}</h1>`);
      jobs.push(await jobOf(tenant, id, 60));
    }
  };
  const loads = ['ann', 'bob', 'cid', 'ann'].map(load);
  let killed = 0;
  let completed = 0;
  for (const until = performance.now() + 300_000; killed < kills && performance.now() < until;) {
    await sleep(20 + Math.random() * 60);
    if (jobs.length < completed + between) continue;
    const pid = kill();
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
      killed++;
      completed = jobs.length;
    } catch {
      // it ended meanwhile
    }
  }
  isOver = true;
  await Promise.all(loads);
  expect(killed).toBe(kills);
  return jobs;
}

const any = (pids: number[]) => pids[Math.floor(Math.random() * pids.length)];

describe('Chromium that is killed under load', () => {
  it.each([
    ['the browser', 50, 8, undefined],
    ['its renderers', 25, 8, 'renderer'],
    ['its GPU process', 5, 8, 'gpu-process'],
    ['its network process', 10, 8, 'utility'],
  ])(
    '%s: every job completes',
    async (_, kills, between, type) => {
      const jobs = await underLoad(kills, between, () => any(processesOf(type)));
      const failed = jobs.filter((job) => job.status !== 'completed');
      expect(failed.map(({ status, error, attempts }) => ({ status, error, attempts }))).toEqual([]);
      expect(jobs.length).toBeGreaterThan(kills);
      await eventually(() => processesOf(undefined).length <= 2, 30_000, 'no browser is left over');
    },
    400_000,
  );
});
