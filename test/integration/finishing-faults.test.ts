/** @module-tag long */

import { expect, it } from 'vitest';
import type { Finisher } from '../../src/finishing/finisher.ts';
import { filesOf, finish, startFinisher } from '../support/finisher.ts';

const POSITIONS = ['first', 'second', 'third'] as const;
const failed = { kind: 'retry', code: 'finishing_failed', message: 'the step STEP failed', cause: expect.any(Error) };
const tooLarge = {
  kind: 'reject',
  code: 'memory_exceeded',
  message: 'the step STEP needs more memory than DOCUMENT_MEMORY_LIMIT_MB',
};
const tooSlow = {
  kind: 'reject',
  code: 'render_timeout',
  message: "the step STEP did not end within the job's time limit; allow more with timeoutMs",
};

/** What a step may do, and what becomes of the job. */
const FAULTS: Record<string, { kind: string; code: string; message: string; cause?: unknown }> = {
  refuse: { kind: 'reject', code: 'page_ranges_invalid', message: 'the document has no page 7' } as const,
  throw: failed,
  throwText: failed,
  throwLater: failed,
  returnNothing: failed,
  exit: failed,
  abort: failed,
  segfault: failed,
  kill: failed,
  lie: failed,
  heap: tooLarge,
  buffers: tooLarge,
  wasm: tooLarge,
  hang: tooSlow,
  loop: tooSlow,
};

it.each(Object.entries(FAULTS))(
  'a step that does this fails its own job, wherever it is in it: %s',
  async (does, expected) => {
    const finisher = await startFinisher();
    const timeoutMs = expected === tooSlow ? 3_000 : 60_000;
    const jobs = POSITIONS.map(async (faulty) => {
      const doings = Object.fromEntries(POSITIONS.map((name) => [name, { does: name === faulty ? does : 'mark' }]));
      const outcome = await finish(finisher, doings, undefined, { timeoutMs });
      expect(outcome).toEqual({ ...expected, message: expected.message.replace('STEP', faulty) });
    });
    if (does !== 'refuse') jobs.push(refuses(finisher, does, timeoutMs));
    await Promise.all(jobs);
    expect(filesOf(await finish(finisher, { first: { does: 'mark', mark: '1' } }))).toEqual(['pdf1/1']);
    await finisher.stop();
  },
);

/** The same of a job with an upload. */
async function refuses(finisher: Finisher, does: string, timeoutMs: number): Promise<void> {
  const job = { timeoutMs, parts: [{ isUploaded: true }] };
  expect(await finish(finisher, { second: { does } }, undefined, job)).toEqual({
    kind: 'reject',
    code: 'pdf_refused',
    message: expect.stringMatching(/^pdf: the step second /),
  });
}

it('an upload is refused that needs too much CPU, long before its job would end', async () => {
  const finisher = await startFinisher({ uploadCpuMs: 2_000 });
  const job = { timeoutMs: 600_000, parts: [{ isUploaded: false }, { isUploaded: true }] };
  const outcome = await finish(finisher, { first: { does: 'loop' } }, undefined, job);
  expect(outcome).toEqual({ kind: 'reject', code: 'pdf_refused', message: 'parts[1].pdf: the step first takes too long' }); // prettier-ignore
});
