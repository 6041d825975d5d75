/** @module-tag long */

import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { Dispatcher } from '../../src/worker/dispatcher.ts';
import { temporaryDirectory } from '../support/files.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';

interface Store {
  service: TestService;
  /** From now on it keeps nothing. */
  breakIt: () => Promise<unknown>;
  mendIt: () => Promise<unknown>;
  /** longer than a claim outlasted a document in earlier releases, once */
  outageMs: number;
}

const STORES: [name: string, reason: string, open: () => Promise<Store>][] = [
  [
    'a directory that is not mounted',
    'ENOENT',
    async () => {
      const directory = await temporaryDirectory('room');
      const service = await startService({ worker: true, env: { PDF_STORE: `file://${directory}` } });
      return {
        service,
        breakIt: () => rename(directory, `${directory}.away`),
        mendIt: () => rename(`${directory}.away`, directory),
        outageMs: 61_000,
      };
    },
  ],
  [
    'a database that has no room for PDFs, but for the rest',
    '53100',
    async () => {
      const service = await startService({ worker: true });
      await service.sql`
        create function full_disk() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`;
      return {
        service,
        breakIt: () =>
          service.sql`create trigger full_disk before insert on pdfprompt_file_chunk for each row execute function full_disk()`,
        mendIt: () => service.sql`drop trigger full_disk on pdfprompt_file_chunk`,
        outageMs: 2_500, // twice as long as a probe and a look for work take
      };
    },
  ],
];

describe.each(STORES)('%s', async (_name, reason, open) => {
  const { service, breakIt, mendIt, outageMs } = await open();
  const { sql, base, lines, request } = service;
  const store = () => base.health.readiness().find(({ name }) => name === 'store');
  const runs = async () => (await sql`select coalesce(sum(runs), 0)::int as runs from pdfprompt_job`)[0]?.['runs'];
  const told = (message: string) => lines.filter((line) => line.includes(message)).length;

  const submit = async (text: string) => {
    const body = JSON.stringify({ html: `<p>${text}</p>` });
    return ((await (await request('/v1/jobs', { method: 'POST', body })).json()) as Job).id;
  };
  const isDown = async () => store()?.status === 'failing';
  const isStatus = (id: string, status: string) => async () =>
    (await sql`select 1 from pdfprompt_job where id = ${id} and status = ${status}`).length === 1;

  it('fails nothing, and nothing is rendered twice: what is done waits for the store, the rest in the queue', async () => {
    await breakIt();
    const ids = await Promise.all(['1', '2', '3'].map(submit));
    await eventually(isDown, 30_000, 'it says so');
    expect(store()?.reason).toContain(reason);
    let before: unknown;
    const areStill = async () => {
      before = await runs();
      await sleep(500); // a claim may have been under way
      return (await runs()) === before;
    };
    await eventually(areStill, 30_000, 'no more is claimed');
    await sleep(outageMs);
    expect(await runs()).toBe(before);
    expect(await sql`select 1 from pdfprompt_job where status in ('completed', 'failed')`).toEqual([]);
    expect(told('PDFs cannot be stored; no job is claimed until they can')).toBe(1);
    const { body } = await base.events.metrics.text();
    expect(body).toMatch(new RegExp(`pdfprompt_store_writes_failed_total\\{.*reason="${reason}".*\\} [1-9]`));
    expect(body).toContain('pdfprompt_worker_has_room{place="store"} 0');

    await mendIt();
    for (const id of ids) await eventually(isStatus(id, 'completed'), 30_000, 'they are done');
    expect(store()).toMatchObject({ status: 'ok' });
    expect(told('PDFs can be stored again')).toBe(1);
    const attempts = await sql`select outcome, count(*)::int from pdfprompt_job_attempt group by outcome`;
    expect([...attempts]).toEqual([{ outcome: 'done', count: ids.length }]);
    for (const id of ids) {
      const { file } = (await (await request(`/v1/jobs/${id}`)).json()) as Job;
      const pdf = await (await request(`/v1/jobs/${id}/pdf`)).bytes();
      expect([pdf.byteLength, Buffer.from(pdf.subarray(0, 5)).toString()]).toEqual([file?.size, '%PDF-']);
    }
    const [usage] = await sql`select sum(completed)::int as charged from pdfprompt_usage_history`;
    expect(usage).toEqual({ charged: ids.length });
  });

  it('keeps no result for ever: a cancellation ends that, and a stop requeues the job, uncounted', async () => {
    await breakIt();
    const [cancelled, stopped] = [await submit('4'), await submit('5')];
    await eventually(isDown, 30_000, 'it says so');
    await request(`/v1/jobs/${cancelled}`, { method: 'DELETE' });
    const hasEnded = () => lines.some((line) => line.includes(cancelled) && line.includes('result discarded'));
    const wasQueued = () => sql`select 1 from pdfprompt_job where id = ${cancelled} and runs = 0`;
    await eventually(async () => hasEnded() || (await wasQueued()).length === 1, 10_000, 'its result is dropped');
    const dispatcher = service.services.find((each) => each instanceof Dispatcher);
    await dispatcher?.stop();
    expect(await isStatus(stopped, 'queued')()).toBe(true);
    expect(await sql`select 1 from pdfprompt_job where id = ${stopped} and attempts + losses > 0`).toEqual([]);
    const outcomes = await sql`select outcome, reason from pdfprompt_job_attempt where job_id = ${stopped}`;
    for (const outcome of outcomes) expect(outcome).toEqual({ outcome: 'interrupted', reason: 'store' });
    await mendIt();
    await dispatcher?.start();
    await eventually(isStatus(stopped, 'completed'), 30_000, 'it is done');
  });
});
