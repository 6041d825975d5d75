import { sql } from 'drizzle-orm';
import type { Client } from '../../src/db/driver.ts';
import { at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** What an application that shares the database does, with what is to be sent at the end. */
export async function sqlVisits(
  { chores: { db } }: StagedService,
  staging: Client,
  { guests, cancellers, round }: { guests: Guest[]; cancellers: Guest[]; round: number },
): Promise<Visit[]> {
  const emailsOf = async (of: Guest[]) =>
    staging<{ email: string }[]>`
      select email from pdfprompt_user where id = any (${`{${of.map(({ id }) => id).join(',')}}`}::uuid[])`;
  const users = await emailsOf(guests);
  const others = await emailsOf(cancellers);
  const request = JSON.stringify({ html: 'done', webhook: 'https://hooks.invalid/', upload: 'https://put.invalid/x' });
  const submit = async ({ email }: { email: string }, key: string | null) => {
    const [row] = await db.execute<{ id: string }>(
      sql`select pdfprompt.submit(${email}, ${request}::text::jsonb, ${key}) as id`,
    );
    return row?.id ?? '';
  };
  const jobs: string[] = [];
  const key = `sql-${round}`;
  return [
    { name: 'SQL: submit', run: async (turn) => void jobs.push(await submit(at(users, turn), null)) },
    { name: 'SQL: submit (with a key)', run: async (turn) => void (await submit(at(users, turn), key)) },
    { name: 'SQL: submit (again)', run: async (turn) => void (await submit(at(users, turn), key)) },
    { name: 'SQL: job', run: async (turn) => void (await db.execute(sql`select pdfprompt.job(${at(jobs, turn)})`)) },
    {
      name: 'SQL: cancel',
      run: async (turn) =>
        void (await db.execute(sql`select pdfprompt.cancel(${await submit(at(others, turn), null)})`)),
    },
  ];
}
