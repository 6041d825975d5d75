-- Schedules: a request that becomes a job again and again, at the times of a cron expression. Who may run one is decided by
-- the lock on its row, and that it runs once for each time by the key of its runs.

create table pdfprompt_schedule (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  cron text not null check (length(cron) between 1 and 200),
  timezone text not null,
  request jsonb not null check (jsonb_typeof(request) = 'object'),
  missed text not null default 'run' check (missed in ('run', 'skip')),
  paused boolean not null default false,
  next_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, name)
);
comment on table pdfprompt_schedule is 'Requests that become jobs at the times of a cron expression';
comment on column pdfprompt_schedule.missed is 'What becomes of times at which no process was there: the newest of them is run late, or none is.';
comment on column pdfprompt_schedule.next_at is 'Empty: it is paused, or there is no time to come.';
create index pdfprompt_schedule_due on pdfprompt_schedule (next_at) where next_at is not null;

create table pdfprompt_schedule_run (
  schedule_id uuid not null references pdfprompt_schedule (id) on delete cascade,
  planned_at timestamptz not null,
  asked boolean not null default false,
  user_id uuid not null,
  status text not null default 'waiting' check (status in ('waiting', 'submitted', 'refused', 'skipped')),
  skipped integer not null default 0 check (skipped >= 0),
  job_id uuid,
  error_code text,
  error_message text,
  retry_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  primary key (schedule_id, planned_at, asked),
  check ((status = 'submitted') = (job_id is not null)),
  check ((status = 'waiting') = (retry_at is not null)),
  check ((error_code is null) = (error_message is null))
);
comment on table pdfprompt_schedule_run is 'What became of the times of schedules: the last 1,000 of each';
comment on column pdfprompt_schedule_run.asked is 'By a request, not by the clock';
comment on column pdfprompt_schedule_run.status is 'waiting: refused for a while, and tried again; submitted: there is a job; refused: for good; skipped: not run because it was missed.';
comment on column pdfprompt_schedule_run.skipped is 'Of skipped: how many times there were from planned_at on; 1000 means 1000 or more.';
comment on column pdfprompt_schedule_run.job_id is 'Kept when the job is deleted';
create index pdfprompt_schedule_run_waiting on pdfprompt_schedule_run (retry_at) where status = 'waiting';

-- Each tenant sees its own rows (sql/0009_tenant_wall.sql).
grant select on pdfprompt_schedule, pdfprompt_schedule_run to pdfprompt_tenant;
alter table pdfprompt_schedule enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_schedule using (true);
create policy pdfprompt_one_tenant on pdfprompt_schedule as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);
alter table pdfprompt_schedule_run enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_schedule_run using (true);
create policy pdfprompt_one_tenant on pdfprompt_schedule_run as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

-- What the API reads as this role.
grant execute on function pdfprompt_time_text to pdfprompt_tenant;

create function pdfprompt_forget_runs(id uuid) returns void language sql as $$
  delete from pdfprompt_schedule_run r where r.schedule_id = $1 and r.planned_at < (
    select k.planned_at from pdfprompt_schedule_run k where k.schedule_id = $1
    order by k.planned_at desc offset 999 limit 1)
$$;
comment on function pdfprompt_forget_runs is 'Keeps the newest 1,000 runs of a schedule.';

create function pdfprompt_submit_run(run pdfprompt_schedule_run, at timestamptz) returns pdfprompt_schedule_run
  language plpgsql as $$
#variable_conflict use_variable
declare
  request jsonb;
  job uuid := pdfprompt_new_id();
  key constant text := format('schedule:%s:%s%s', run.schedule_id, pdfprompt_time_text(run.planned_at),
    case when run.asked then ':asked' else '' end);
  patience constant interval := interval '1 hour';
  detail text;
  hint text;
  used jsonb;
begin
  select s.request into strict request from pdfprompt_schedule s where s.id = run.schedule_id;
  run.status := 'submitted';
  run.job_id := job;
  run.retry_at := null;
  run.error_code := null;
  run.error_message := null;
  begin
    perform pdfprompt_submit_request(job, run.user_id, request, key, sha256(convert_to(key, 'UTF8')));
  exception
    when others then
      if run.asked then
        raise;
      end if;
      get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
      run.status := 'refused';
      run.job_id := null;
      run.error_message := sqlerrm;
      if sqlstate = 'PDF01' then
        used := detail::jsonb;
        run.error_code := 'rate_limited';
        run.error_message := concat_ws('. ', sqlerrm, hint);
        -- A minute is over soon; a day is not.
        if (used ->> 'day_used')::integer < coalesce((used ->> 'requests_per_day')::integer, 2147483647) then
          run.retry_at := at + greatest(1, (used ->> 'minute_wait')::double precision) * interval '1 second';
        end if;
      elsif sqlstate = 'PDF03' then
        run.error_code := 'unauthenticated';
        run.error_message := 'the user has no subscription';
      elsif sqlstate = 'PDF07' then
        run.error_code := 'invalid_request';
        run.error_message := 'webhook: ' || sqlerrm;
      else
        run.error_code := 'internal';
        run.error_message := 'the request could not be accepted';
        run.retry_at := at + interval '1 minute';
        raise warning 'a run of the schedule % failed: % (%)', run.schedule_id, sqlerrm, sqlstate;
      end if;
      if run.retry_at < run.created_at + patience then
        run.status := 'waiting';
      else
        run.retry_at := null;
      end if;
  end;
  return run;
end $$;
comment on function pdfprompt_submit_run is 'Submits the request of a schedule for one of its runs. Returns the run with what became of it; a run that a request asked for is refused with the errors of pdfprompt_submit.';

create function pdfprompt_run_schedule(
  id uuid,
  planned_at timestamptz,
  asked boolean default false,
  -- the present, unless a test says otherwise
  at timestamptz default null
) returns setof pdfprompt_schedule_run language plpgsql as $$
#variable_conflict use_variable
declare
  run pdfprompt_schedule_run;
begin
  at := coalesce(at, clock_timestamp());
  insert into pdfprompt_schedule_run (schedule_id, planned_at, asked, user_id, retry_at, created_at)
    select s.id, planned_at, asked, s.user_id, at, at from pdfprompt_schedule s where s.id = id
    on conflict do nothing returning * into run;
  if not found then
    return;
  end if;
  run := pdfprompt_submit_run(run, at);
  update pdfprompt_schedule_run r set status = run.status, job_id = run.job_id, error_code = run.error_code,
      error_message = run.error_message, retry_at = run.retry_at
    where r.schedule_id = id and r.planned_at = planned_at and r.asked = asked;
  perform pdfprompt_forget_runs(id);
  return next run;
end $$;
comment on function pdfprompt_run_schedule is 'Runs a schedule for one of its times, which no transaction did before. Returns nothing if one did.';

create function pdfprompt_skip_runs(id uuid, planned_at timestamptz, skipped integer) returns void language sql as $$
  insert into pdfprompt_schedule_run (schedule_id, planned_at, user_id, status, skipped)
    select s.id, $2, s.user_id, 'skipped', $3 from pdfprompt_schedule s where s.id = $1
    on conflict do nothing;
  select pdfprompt_forget_runs($1);
$$;
comment on function pdfprompt_skip_runs is 'Records that times of a schedule were not run, the first of them and how many.';

create function pdfprompt_retry_run(at timestamptz default null) returns setof pdfprompt_schedule_run language plpgsql as $$
#variable_conflict use_variable
declare
  run pdfprompt_schedule_run;
begin
  at := coalesce(at, clock_timestamp());
  select r.* into run from pdfprompt_schedule_run r where r.status = 'waiting' and r.retry_at <= at
    order by r.retry_at limit 1 for no key update skip locked;
  if not found then
    return;
  end if;
  run := pdfprompt_submit_run(run, at);
  update pdfprompt_schedule_run r set status = run.status, job_id = run.job_id, error_code = run.error_code,
      error_message = run.error_message, retry_at = run.retry_at
    where r.schedule_id = run.schedule_id and r.planned_at = run.planned_at and r.asked = run.asked;
  return next run;
end $$;
comment on function pdfprompt_retry_run is 'Tries a run again that was refused for a while. Returns nothing if none is due.';

do $$
declare
  f text;
begin
  -- So that a caller's search_path cannot lead to other tables of these names; and nobody else may call them.
  foreach f in array array['pdfprompt_submit_run', 'pdfprompt_run_schedule', 'pdfprompt_skip_runs', 'pdfprompt_retry_run',
    'pdfprompt_forget_runs']
  loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
    execute format('revoke execute on function %s from public', f);
  end loop;
  -- As the service's own connections have it: every statement here has an index.
  foreach f in array array['pdfprompt_submit_run', 'pdfprompt_run_schedule', 'pdfprompt_retry_run'] loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
  end loop;
end $$;
