import type { Client } from '../../src/db/driver.ts';
import { endJob, insertJobs } from './ended-jobs.ts';
import { EventReader } from './event-reader.ts';
import { at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** Listens to events: now, to some jobs, after an absence, and while the connection for notifications is lost. */
export function eventVisits({ url }: StagedService, sql: Client, heavy: readonly Guest[]): Visit[] {
  const listen = async (turn: number, query: string, act: (guest: Guest) => Promise<string> | string) => {
    const guest = at(heavy, turn);
    const reader = await EventReader.open(url, { key: guest.key, query });
    await reader.until(({ text }) => text.includes('retry:'), 'the stream begins');
    const jobId = await act(guest);
    await reader.until(({ jobs }) => (jobId === '' ? jobs.length > 60 : jobs.includes(jobId)), 'the event');
    reader.close();
  };
  const end = async ({ id }: Guest) => {
    const [jobId = ''] = await insertJobs(sql, id, 1);
    await endJob(sql, jobId);
    return jobId;
  };
  return [
    { name: 'GET /v1/events', run: (turn) => listen(turn, '', end) },
    { name: 'GET /v1/events (since)', run: (turn) => listen(turn, `?lastEventId=1`, () => '') },
    {
      name: 'GET /v1/events (job)',
      run: async (turn) => {
        const jobId = await end(at(heavy, turn));
        await listen(turn, `?job=${jobId}`, () => jobId);
      },
    },
    {
      name: 'GET /v1/events (missed)',
      run: (turn) =>
        listen(turn, '', async (guest) => {
          await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% notifier'`;
          return end(guest);
        }),
    },
  ];
}
