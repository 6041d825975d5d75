import { expect, it } from 'vitest';
import { ChangedJobs } from '../../src/jobs/changed-jobs.ts';
import { endJob, insertJobs } from '../support/ended-jobs.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { undoLater } from '../support/clean-up.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
undoLater(() => pool.close());
const { db } = pool;
const { userId } = await createUnlimitedKey(db, 'ann@example.com');

const begin = (id: string) =>
  sql`update pdfprompt_job set status = 'processing', runs = 1, attempts = 1, started_at = now() where id = ${id}`;

it('A job that changes while it is looked at is never shown in an earlier status again', async () => {
  const changed = new ChangedJobs(db, {}, Date.now());
  const seen = new Map<string, string[]>();
  const check = async (ended: string[] = []) => {
    for (const { id, status } of await changed.check(ended)) seen.set(id, [...(seen.get(id) ?? []), status]);
  };
  for (let i = 0; i < 60; i++) {
    const [id = ''] = await insertJobs(sql, userId, 1);
    const isKnown = i % 12 < 6; // otherwise it is seen for the first time as it ends
    if (isKnown) await check();
    // a little later each time: before, between and after the statements of a check
    const change = async (made: () => Promise<unknown>) => {
      for (let waited = 0; waited < i % 6; waited++) await sql`select 1`;
      await made();
    };
    await Promise.all([isKnown && check(), change(() => begin(id))]);
    await Promise.all([check([id]), change(() => endJob(sql, id))]);
    await check([id]);
  }
  const isInOrder = (statuses: string[]) => /^(queued )?(processing )?completed$/.test(statuses.join(' '));
  expect([seen.size, [...seen.values()].filter((statuses) => !isInOrder(statuses))]).toEqual([60, []]);
});
