/** @module-tag long */

import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { temporaryDirectory } from '../support/files.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';

interface Store {
  service: TestService;
  /** From now on it keeps nothing. */
  breakIt: () => Promise<unknown>;
  mendIt: () => Promise<unknown>;
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
      };
    },
  ],
];

describe.each(STORES)('%s', async (_name, reason, open) => {
  const { service, breakIt, mendIt } = await open();
  const { sql, base, lines, request } = service;
  const store = () => base.health.readiness().find(({ name }) => name === 'store');
  const runs = async () => (await sql`select coalesce(sum(runs), 0)::int as runs from pdfprompt_job`)[0]?.['runs'];
  const told = (message: string) => lines.filter((line) => line.includes(message)).length;

  it('fails nothing: jobs wait, uncounted and unrendered, and are done when it is well', async () => {
    await breakIt();
    const ids = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const body = JSON.stringify({ html: `<p>${number}</p>` });
        return ((await (await request('/v1/jobs', { method: 'POST', body })).json()) as Job).id;
      }),
    );
    await eventually(() => store()?.status === 'failing', 30_000, 'it says so');
    expect(store()?.reason).toContain(reason);
    const all = (status: string) => async () =>
      (await sql`select 1 from pdfprompt_job where id in ${sql(ids)} and status = ${status}`).length === ids.length;
    let before: unknown;
    const areStill = async () => {
      before = await runs();
      await sleep(500); // a claim may have been under way
      return (await runs()) === before && (await all('queued')());
    };
    await eventually(areStill, 30_000, 'they are back in the queue');
    await sleep(2_500); // twice as long as a probe and a look for work take
    expect(await runs()).toBe(before);
    expect(await sql`select 1 from pdfprompt_job where attempts > 0 or losses > 0`).toEqual([]);
    const outcomes = await sql`select distinct outcome, reason from pdfprompt_job_attempt`;
    expect([...outcomes]).toEqual([{ outcome: 'interrupted', reason: 'store' }]);
    expect(told('PDFs cannot be stored; no job is claimed until they can')).toBe(1);
    const { body } = await base.events.metrics.text();
    expect(body).toMatch(new RegExp(`pdfprompt_store_writes_failed_total\\{.*reason="${reason}".*\\} [1-9]`));
    expect(body).toContain('pdfprompt_worker_has_room{place="store"} 0');

    await mendIt();
    await eventually(all('completed'), 30_000, 'they are done');
    expect(store()).toMatchObject({ status: 'ok' });
    expect(told('PDFs can be stored again')).toBe(1);
    for (const id of ids) {
      const { file } = (await (await request(`/v1/jobs/${id}`)).json()) as Job;
      const pdf = await (await request(`/v1/jobs/${id}/pdf`)).bytes();
      expect([pdf.byteLength, Buffer.from(pdf.subarray(0, 5)).toString()]).toEqual([file?.size, '%PDF-']);
    }
    const [usage] = await sql`select sum(completed)::int as charged from pdfprompt_usage_history`;
    expect(usage).toEqual({ charged: ids.length });
  });
});
