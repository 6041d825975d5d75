import { connect } from '../../src/db/driver.ts';

interface Size {
  jobs: number;
  users: number;
  /** nothing but jobs and their terms */
  isOfJobsOnly?: boolean;
}

/** The first users; each has a hundredth part of every fifty jobs: 20,000 of a million. */
export const HEAVY_USERS = 5;
/** Had twice as many, but none for weeks: his newest are not among the newest. */
export const FORMER_USER = HEAVY_USERS + 1;
/** Jobs that wait in the queue, more than half of them the first heavy user's. */
const QUEUED = 10_000;
/** Files whose bytes are really there: the newest. */
const WITH_BYTES = 2_000;
/** Days of the past, a little more than jobs are told of with PDFs kept for a week. */
const DAYS = 37;
const JOBS_A_WORKER = 25_000;
/** Statements at a time. */
const LANES = 2;

const SEEDING = {
  session_replication_role: 'replica', // without triggers and checks of foreign keys: what is inserted fits
  work_mem: '256MB',
  maintenance_work_mem: '256MB',
};

/** Indexes are made faster than they are kept: all but those of the primary and unique keys. */
const INDEXES = `
  select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class t on t.oid = i.indrelid
  where t.relname like 'pdfprompt\\_%' and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)
  order by pg_relation_size(i.indrelid) desc, 1`;

/**
 * Fills an empty, migrated database as a service leaves it that has run for weeks: most jobs completed,
 * with files, attempts and usage, some failed or cancelled, and a queue. Nothing is analyzed.
 * @param url of a superuser
 */
export async function seedMillion(url: string, { jobs, users, isOfJobsOnly = false }: Size): Promise<void> {
  const sql = connect(url, { max: LANES, connection: SEEDING, onnotice: () => undefined });
  try {
    const indexes = await sql.unsafe<{ name: string; definition: string }[]>(INDEXES);
    await sql.unsafe(indexes.map(({ name }) => `drop index ${name};`).join('\n'));
    await sql.unsafe(USERS.replaceAll('$users', String(users)));
    await sql.unsafe(OUTLINE.replaceAll('$jobs', String(jobs)).replaceAll('$users', String(users)));
    const inTurns = async (statements: string[]) => {
      const left = statements.toReversed();
      const lane = async () => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) await sql.unsafe(next);
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    };
    await inTurns(isOfJobsOnly ? [JOBS, TERMS] : [JOBS, TERMS, PARTS, FILES, ATTEMPTS, USAGE]);
    await inTurns(indexes.map(({ definition }) => definition));
    await sql.unsafe('drop table million_user, million_job');
  } finally {
    await sql.end();
  }
}

const USERS = `
  create unlogged table million_user as select n, uuidv7() as id from generate_series(1, $users) n;
  insert into pdfprompt_user (id, email) select id, 'user' || n || '@example.com' from million_user;
  insert into pdfprompt_user_subscription (id, user_id, tier)
    select uuidv7(), id, case when n <= ${HEAVY_USERS} then 'enterprise' else 'starter' end
    from million_user;
  insert into pdfprompt_api_key (id, user_id, prefix, hash)
    select uuidv7(), id, 'pdf_seed', sha256(n::text::bytea) from million_user;
  insert into pdfprompt_lane (user_id, virtual_finish, recent, day, day_count)
    select id, extract(epoch from now()) + case n when 1 then 1500 else 1 end, array[now() - interval '1 hour'], current_date, 1
    from million_user`;

/** Every job in short, oldest first. */
const OUTLINE = `
  create unlogged table million_job as
  select i, uuidv7(at - now()) as id, uuidv7(at - now()) as file_id, at, status, users.ids[
      case
        when status = 'queued' and i % 10 < 6 then 1
        when i % 10 = 0 then 1 + (i / 10) % ${HEAVY_USERS}
        when i % 10 in (5, 6) and i < $jobs / 5 then ${FORMER_USER}
        else ${FORMER_USER + 1} + (i::bigint * 7919) % ($users - ${FORMER_USER})
      end] as user_id
  from (
    select i, now() - interval '1 second' - (1 - i::double precision / $jobs) * interval '${DAYS} days' as at,
      case
        when i > $jobs - ${QUEUED} then 'queued'
        when i % 301 = 0 then 'failed'
        when i % 461 = 0 then 'cancelled'
        else 'completed'
      end as status
    from generate_series(1, $jobs) i
  ) as job, (select array_agg(id order by n) as ids from million_user) as users;
  analyze million_job;
  insert into pdfprompt_worker (id, host, pid, concurrency, started_at, seen_at, ended_at)
    select md5((i / ${JOBS_A_WORKER})::text)::uuid, 'seed', 1, 10, min(at), max(at), max(at)
    from million_job group by i / ${JOBS_A_WORKER}`;

/** One in fifty thousand jobs has another. */
const COUNTRY = "case when i % 50000 = 0 then 'IS' else (array['DE', 'FR', 'IT'])[1 + i % 3] end";

const JOBS = `
  insert into pdfprompt_job (id, user_id, status, priority, attempts, runs, rank, request, keeps_parts, filename, metadata, templates, tier,
      idempotency_key, idempotency_hash, error_code, error_message, timings, created_at, started_at, completed_at)
    select id, user_id, status, i % 3, (status <> 'queued')::int, (status <> 'queued')::int,
      ((extract(epoch from case when status = 'queued' then now() + (600 + i % 1500) * interval '1 second' else at end) - 1893456000) * 10)::int,
      '{"options":{"format":"letter","printBackground":true}}', status = 'queued',
      case when i % 4 = 0 then 'invoice.pdf' when i % 4 = 1 then 'report-' || i || '.pdf' end,
      jsonb_build_object('order', 'A-' || i, 'country', ${COUNTRY}),
      case i % 5 when 0 then array['invoice@' || 1 + i % 7] when 1 then array['letter@1'] end, case when i % 100 = 0 then 'enterprise' else 'starter' end,
      case when i % 50 = 0 then 'key-' || i end, case when i % 50 = 0 then sha256('x') end,
      case when status = 'failed' then case when i % 7 = 0 then 'render_timeout' else 'navigation_failed' end end, case when status = 'failed' then 'it was not there' end,
      case when status <> 'queued' then '{"load":10,"print":5,"queued":8,"total":30}'::jsonb end,
      at, case when status <> 'queued' then at + interval '8 ms' end, case when status <> 'queued' then at + interval '30 ms' end
    from million_job order by i`;

const PARTS = `
  insert into pdfprompt_part (job_id, position, kind, content)
    select id, 0, 'html', case when status = 'queued' then '<p>x</p>' end from million_job order by i;
  insert into pgboss.job (id, name, priority, retry_limit, expire_seconds, deletion_seconds, policy, created_on, state, completed_on)
    select m.id, 'pdf', -j.rank, 1000, 120, 3600, 'standard', m.at,
      case when m.status = 'queued' then 'created' else 'completed' end::pgboss.job_state,
      case when m.status <> 'queued' then m.at + interval '30 ms' end
    from million_job m join pdfprompt_job j on j.id = m.id
    where m.status = 'queued' or m.at > now() - interval '1 day' and m.status = 'completed'`;

/** Of filenames, metadata and templates as {@link JOBS} has them. */
const TERMS = `
  insert into pdfprompt_job_term (user_id, name, value, job_id)
    select user_id, 'filename', case i % 4 when 0 then 'invoice.pdf' else 'report-' || i || '.pdf' end, id from million_job where i % 4 < 2
    union all select user_id, 'template', case i % 5 when 0 then 'invoice@' || 1 + i % 7 else 'letter@1' end, id from million_job where i % 5 < 2
    union all select user_id, 'metadata.order', 'A-' || i, id from million_job
    union all select user_id, 'metadata.country', ${COUNTRY}, id from million_job`;

const FILES = `
  insert into pdfprompt_file (id, job_id, user_id, store, size, pages, sha256, created_at, expires_at, expired_at)
    select file_id, id, user_id, 'postgres', 25, 1, sha256('x'), at, at + interval '7 days',
      case when at < now() - interval '7 days' then at + interval '7 days' end
    from million_job where status = 'completed' order by i;
  insert into pdfprompt_file_chunk (file_id, seq, bytes)
    select file_id, 0, '%PDF-1.4 not really a PDF' from million_job where status = 'completed' order by i desc limit ${WITH_BYTES}`;

const ATTEMPTS = `
  insert into pdfprompt_job_attempt (job_id, run, worker_id, started_at, ended_at, outcome)
    select id, 1, md5((i / ${JOBS_A_WORKER})::text)::uuid, at, at + interval '30 ms', case status when 'failed' then 'reject' else 'done' end
    from million_job where status in ('completed', 'failed') order by i`;

const USAGE = `
  insert into pdfprompt_usage_history (user_id, day, completed, pages, bytes, created_at)
    select user_id, at::date, count(*), count(*), 25 * count(*), min(at) from million_job
    where status = 'completed' and at > now() - interval '10 days' group by 1, 2`;
