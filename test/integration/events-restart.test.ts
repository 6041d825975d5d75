import { describe, expect, it } from 'vitest';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { endJob, insertJobs } from '../support/ended-jobs.ts';
import { EventReader } from '../support/event-reader.ts';
import { measureListeners } from '../support/many-listeners.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const user = (name: string) => createUnlimitedKey(pool.db, `${name}@example.com`);

async function serve(): Promise<{ cli: Cli; address: string }> {
  const cli = pdfprompt(['serve', '--port', '0'], {
    env: { DATABASE_URL: url, LOG_LEVEL: 'warn', SHUTDOWN_GRACE: '60' },
  });
  const [, address = ''] = await cli.until(/serves at (http:\S+)/);
  return { cli, address };
}

describe('a process that stops', () => {
  it('ends its streams, and need not wait for them; its clients go on at another one', async () => {
    const { key, userId } = await user('ann');
    const first = await serve();
    const readers = [await EventReader.open(first.address, { key }), await EventReader.open(first.address, { key })];
    const stuck = await EventReader.open(first.address, { key });
    stuck.response.pause();
    const ids = await insertJobs(sql, userId, 3);
    const [before = '', between = '', after = ''] = ids;
    await endJob(sql, before);
    for (const reader of readers) await reader.until(({ jobs }) => jobs.includes(before), 'an event');

    const stoppedAt = performance.now();
    first.cli.child.kill('SIGTERM');
    const { code } = await first.cli.exited;
    expect(code).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(40_000); // the grace is 60 s
    for (const reader of readers) await reader.until(({ isEnded }) => isEnded, 'the end');
    await endJob(sql, between);

    const second = await serve();
    const again = await EventReader.open(second.address, { key, lastEventId: readers[0]?.lastEventId });
    await again.until(({ jobs }) => jobs.includes(between), 'what happened meanwhile');
    await endJob(sql, after);
    await again.until(({ jobs }) => jobs.includes(after), 'what happens now');
    expect(again.jobs).toEqual([between, after]);
    second.cli.child.kill('SIGTERM');
    await second.cli.exited;
  });
});

describe('two hundred listeners', () => {
  it('all get every event, each once, and cost memory only', async () => {
    const { cli, address } = await serve();
    const users = [await user('bob'), await user('cyd'), await user('dan'), await user('eve')];
    const measured = await measureListeners(sql, {
      address,
      pid: cli.pid,
      users,
      listeners: 200,
      rounds: 20,
      pauseMs: 50,
    });
    expect(measured['events received']).toBe(4_000);
    expect(measured['ms p50']).toBeLessThan(10_000); // alone on a machine 10 ms
    expect(measured['MB after all rounds'] - measured['MB before']).toBeLessThan(150);
    const connections = await sql`
      select 1 from pg_stat_activity where application_name like 'pdfprompt serve%' and datname = current_database()`;
    expect(connections.length).toBeLessThanOrEqual(25); // the pools, and the notifier
    cli.child.kill('SIGTERM');
    await cli.exited;
    await pool.close();
  });
});
