import { describe, expect, it } from 'vitest';
import { startGate } from '../support/gate.ts';
import { eventually } from '../support/processes.ts';
import { startFleet } from '../support/worker-fleet.ts';

const gate = await startGate();
const { sql, worker, submit, all, runningAt, outcomes } = await startFleet(gate.env);

describe('a worker that is killed with four documents in hand', () => {
  // How fast: `npm run bench -- handover`.
  it('has them run elsewhere, and the attempts say that it was lost', async () => {
    const [doomed, heir] = await Promise.all([worker(), worker(1)]);
    const theirs = await submit(5, { html: gate.html });
    await eventually(
      async () => (await runningAt(doomed.pid, theirs)) === 4 && (await runningAt(heir.pid, theirs)) === 1,
      60_000,
      'all slots are busy',
    );
    const lost = await sql<{ id: string }[]>`
      select j.id from pdfprompt_job j join pdfprompt_worker w on w.id = j.worker_id where w.pid = ${doomed.pid}`;
    const ids = lost.map(({ id }) => id);
    doomed.child.kill('SIGKILL');
    await eventually(all(ids, 'queued'), 60_000, 'they are in the queue again');
    gate.open();
    await eventually(all(theirs, 'completed'), 60_000, 'the other worker has done them all');
    expect(await outcomes(ids)).toEqual(ids.map(() => 'lost done'));
    const rows = await sql`select attempts, losses, runs from pdfprompt_job where id in ${sql(ids)}`;
    for (const row of rows) expect(row).toEqual({ attempts: 1, losses: 1, runs: 2 });
    const told = heir
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"job.requeued"') && line.includes('"reason":"lost"'));
    expect(told.map((line) => (JSON.parse(line) as { jobId: string }).jobId).toSorted()).toEqual(ids.toSorted());
  });
});
