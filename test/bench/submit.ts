import { Agent } from 'node:http';
import { sql } from 'drizzle-orm';
import { fromDrizzle, PgBoss } from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import { ask, percentile, type Result, spread, type Stage } from './stage.ts';

const SECONDS = 8;
const SLOTS = 16;

/** Submissions through HTTP with everything on, beside the bare transaction that queues a job. */
export async function submit(stage: Stage): Promise<Result> {
  const [, address = ''] = await stage.start(['serve', '--port', '0'], /serves at (http:\S+)/);
  const keys = await Promise.all(Array.from({ length: SLOTS }, (_, index) => stage.user(`user${index}@example.com`)));
  const boss = new PgBoss({ connectionString: stage.url, supervise: false, schedule: false, migrate: false });
  await boss.start();
  const [owner] = await stage.sql<{ id: string }[]>`select id from pdfprompt_user limit 1`;

  const bare = await load(async () => {
    const id = uuidv7();
    await stage.pool.db.transaction(async (tx) => {
      await tx.execute(
        sql`insert into pdfprompt_job (id, user_id, priority, request, html) values (${id}, ${owner?.id}, 0, '{}', '<p>x</p>')`,
      );
      await boss.send('pdf', null, { id, db: fromDrizzle(tx, sql) });
    });
  });
  const body = Buffer.from('{"html":"<p>x</p>"}');
  const agent = new Agent({ keepAlive: true, maxSockets: SLOTS });
  const http = await load(async (slot) => {
    await ask(agent, 'POST', `${address}/v1/jobs`, keys[slot]?.key ?? '', body);
  });
  agent.destroy();
  await boss.stop({ graceful: false });
  const perSecond = (times: number[]) => Math.round(times.length / SECONDS);
  return {
    'bare transaction, per second': perSecond(bare),
    'bare transaction': spread(bare),
    'POST /v1/jobs, per second': perSecond(http),
    'POST /v1/jobs': spread(http),
    ratio: Math.round((perSecond(http) / perSecond(bare)) * 100) / 100,
    'p95 of POST /v1/jobs, ms': percentile(http, 95),
  };
}

async function load(once: (slot: number) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + SECONDS * 1_000;
  const slot = async (index: number) => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await once(index);
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, (_, index) => slot(index)));
  return times;
}
