import { claimJobs } from '../../src/jobs/claim.ts';
import { silentEvents } from '../support/silent-events.ts';
import { percentile, type Result, spread, type Stage } from './stage.ts';

const SMALL = 100;
const LARGE = 1_000_000;
const CLAIMS = 90;

/** What a claim costs with a hundred jobs queued and with a million; and who is claimed next. */
export async function backlog(stage: Stage): Promise<Result> {
  await stage.user('bench@example.com');
  await stage.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values ('01a20b1c-7e0d-7435-94b8-00000000000a', 'bench', 1, 1, 'bench')`;
  const queue = await stage.queue();
  const deps = { db: stage.pool.db, queue, events: silentEvents() };
  const claim = () => claimJobs(deps, { workerId: '01a20b1c-7e0d-7435-94b8-00000000000a', count: 1 });
  const measure = async () => {
    const times: number[] = [];
    for (let index = 0; index < CLAIMS; index++) {
      const startedAt = performance.now();
      if ((await claim()).length !== 1) throw new Error('nothing to claim');
      times.push(performance.now() - startedAt);
    }
    return times;
  };
  await fill(stage, SMALL);
  await claim(); // plans and connections are warm
  const few = await measure();
  await fill(stage, LARGE);
  const many = await measure();

  const [critical] = await insert(stage, 1, 3, 'extract(epoch from now()) - 30000000');
  const [next] = await claim();
  await queue.stop();
  return {
    [`claim with ${SMALL} queued`]: spread(few),
    [`claim with ${LARGE} queued`]: spread(many),
    'ratio of p95': Math.round((percentile(many, 95) / percentile(few, 95)) * 100) / 100,
    'a new CRITICAL job is claimed next': String(next?.id === critical?.id),
  };
}

async function fill(stage: Stage, count: number): Promise<void> {
  await insert(stage, count, 0, 'extract(epoch from now()) + g');
}

/** Rows as `submitJob` makes them, many at once. */
async function insert(stage: Stage, count: number, priority: number, finish: string): Promise<{ id: string }[]> {
  return stage.sql.unsafe<{ id: string }[]>(`
    with made as (
      insert into pdfprompt_job (id, user_id, priority, request, html, rank)
      select gen_random_uuid(), (select id from pdfprompt_user limit 1), ${priority}, '{}', 'x', ((${finish}) - extract(epoch from timestamptz '2030-01-01Z')) * 10
      from generate_series(1, ${count}) g returning id, rank),
    queued as (insert into pgboss.job (id, name, priority, retry_limit, policy) select id, 'pdf', -rank, 1000, 'standard' from made)
    select id from made limit 1`);
}
