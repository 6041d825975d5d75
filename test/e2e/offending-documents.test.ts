/** @module-tag long */

import { afterEach, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { eventually } from '../support/processes.ts';
import { startFleet } from '../support/worker-fleet.ts';

const { sql, address, headers, worker, submit } = await startFleet({ CHAOS_DOCUMENTS: '1' });

const WORKERS = 3;
const UNAFFECTED = 200;

/** What ends a worker, a renderer, or its own time; and as what it may end. */
const OFFENDING: Record<string, { body: object; ends: string[] }> = {
  'kills its worker': { body: { html: '<p>x</p>', filename: 'chaos-kill.pdf' }, ends: ['poison'] },
  'throws in its worker': {
    body: { html: '<p>x</p>', filename: 'chaos-throw.pdf', waitForTimeout: 2_000 },
    ends: ['internal'],
  },
  'crashes its renderer': {
    body: { html: `${'<table><tr><td>'.repeat(2_000)}x` },
    ends: ['document_crashed'],
  },
  'never ends': { body: { html: '<script>for (;;);</script>', timeoutMs: 3_000 }, ends: ['render_timeout'] },
};

let isOver = false;
afterEach(() => {
  isOver = true;
});

/** A worker that is started again whenever it ends, as a service manager does. */
async function keepWorking(): Promise<void> {
  while (!isOver) {
    const cli = await worker().catch(() => undefined); // it may end before it has begun
    await cli?.exited;
  }
}

it('fails the offending documents by name and no other, whatever they end', async () => {
  for (let each = 0; each < WORKERS; each++) void keepWorking();
  await eventually(
    async () => (await sql`select 1 from pdfprompt_worker where ended_at is null`).length >= WORKERS,
    120_000,
    'they work',
  );
  const before = submit(UNAFFECTED / 2, { html: '<p>unaffected</p>' });
  const offending = await Promise.all(
    Object.values(OFFENDING).map(async ({ body }) => (await submit(1, body))[0] as string),
  );
  const unaffected = [...(await before), ...(await submit(UNAFFECTED / 2, { html: '<p>unaffected</p>' }))];
  await eventually(
    async () => (await sql`select 1 from pdfprompt_job where status in ('queued', 'processing')`).length === 0,
    240_000,
    'all have ended',
  );
  const ends = await sql<{ id: string; end: string }[]>`
    select id, coalesce(error_code, status) as end from pdfprompt_job`;
  const endOf = (id: string) => ends.find((each) => each.id === id)?.end;
  expect(unaffected.filter((id) => endOf(id) !== 'completed').map((id) => [id, endOf(id)])).toEqual([]);
  for (const [index, [name, { ends: allowed }]] of Object.entries(OFFENDING).entries())
    expect([name, allowed, allowed.includes(endOf(offending[index] ?? '') ?? '')]).toEqual([name, allowed, true]);
  const job = (await (await fetch(`${address}/v1/jobs/${unaffected[0]}`, { headers })).json()) as Job;
  expect(job.attempts).toBe(1);
}, 400_000);
