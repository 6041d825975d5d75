-- Jobs that are accepted now and printed at a time that the request says: until then they are no part of the queue.

-- First, as what follows begins with weaker locks.
lock table pdfprompt_job in access exclusive mode;

alter table pdfprompt_job add column run_at timestamptz, add column accepted_at timestamptz;
comment on column pdfprompt_job.run_at is 'When it is to be printed, if the request says so.';
comment on column pdfprompt_job.accepted_at is 'Of a job that was scheduled and came into the queue at its time. From then on created_at is when it came there, which is what waits are measured from.';

-- Weaker than before, so that no row has to be read under this lock: 0048 does that.
alter table pdfprompt_job drop constraint pdfprompt_job_status_check;
alter table pdfprompt_job add constraint pdfprompt_job_status_check check (
  status in ('queued', 'processing', 'completed', 'failed', 'cancelled') or (status = 'scheduled' and run_at is not null)) not valid;

-- The end of a job that was cancelled before its time is reported too.
drop trigger pdfprompt_job_ended on pdfprompt_job;
create trigger pdfprompt_job_ended after update of status on pdfprompt_job
  for each row when (old.status in ('scheduled', 'queued', 'processing') and new.status in ('completed', 'failed', 'cancelled'))
  execute function pdfprompt_on_job_end();

-- Submission as before (0040), and with a time. A function gets another parameter by being made again.
drop function pdfprompt_submit;
create function pdfprompt_submit(
  id uuid,
  user_id uuid,
  -- the first part, a column of pdfprompt_part each
  kind text,
  content text default null,
  data jsonb default null,
  shown text default null,
  part_settings jsonb default '{}',
  -- files beside the first part: the hash of an asset in hex by the path in the folder
  files jsonb default null,
  -- what a source of the kind template prints, and its name for people: invoice@7
  template_version uuid default null,
  template text default null,
  -- the parts after it: objects with kind, content, data, shown, settings, files, template_version and template
  more_parts jsonb default '[]',
  -- the job, a column of pdfprompt_job each
  request jsonb default '{}',
  filename text default null,
  metadata jsonb default '{}',
  -- null: the tier's, which is also the highest
  priority integer default null,
  idempotency_key text default null,
  sent_hash bytea default null,
  request_id text default null,
  traceparent text default null,
  -- null or past: now
  run_at timestamptz default null,
  out accepted_at timestamptz,
  out job_priority integer,
  -- 100: 100 or more; null: it is queued at its time
  out queue_position integer,
  -- the limits of the tier, and the use of them with this job
  out requests_per_minute integer,
  out requests_per_day integer,
  out minute_used integer,
  out minute_reset double precision,
  out day_used integer,
  out day_reset double precision
) language plpgsql as $$
#variable_conflict use_variable
declare
  tier pdfprompt_tier;
  share pdfprompt_lane;
  used record;
  present double precision;
  -- by priority: seconds by which it moves a job's deadline forward. A critical job comes before all others.
  bonus constant double precision[] := '[0:3]={0,30,60,30000000}';
  -- Ranks are tenths of a second since then, in 32 bits: they last until 2036.
  epoch constant double precision := extract(epoch from timestamptz '2030-01-01 00:00:00+00');
  job_rank integer;
  next_part jsonb;
  next_position integer;
  templates text[];
  run_at_problem text;
begin
  -- The user, locked until the commit so that they cannot be erased meanwhile, and their tier.
  select t.* into tier
    from pdfprompt_user u
    join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
    join pdfprompt_tier t on t.name = s.tier
    where u.id = user_id and u.erased_at is null
    for key share of u;
  if not found then
    raise exception 'there is no user % with a subscription', user_id using errcode = 'PDF03';
  end if;
  job_priority := least(coalesce(priority, tier.priority), tier.priority);

  -- Without a lock, so that what would be refused is not written.
  select l.* into share from pdfprompt_lane l where l.user_id = user_id;
  perform pdfprompt_refuse_submission(user_id, idempotency_key, tier, share, clock_timestamp());
  run_at_problem := case
    when run_at < clock_timestamp() - interval '1 minute' then 'it is in the past'
    when run_at > clock_timestamp() + interval '365 days' then 'it is more than 365 days ahead'
  end;
  if run_at_problem is not null then
    raise exception 'runAt: %', run_at_problem using errcode = 'PDF09',
      detail = run_at_problem || '; allowed: a time from now to 365 days ahead',
      hint = 'Allowed: a time from now to 365 days ahead.';
  end if;

  -- The parts, which may be megabytes, before anything is locked that other submissions of the user need.
  perform pdfprompt_add_part(id, 0, user_id, kind, content, data, shown, part_settings, files, template_version);
  if template is not null then
    templates := array[template];
  end if;
  if more_parts <> '[]' then
    for next_part, next_position in select * from jsonb_array_elements(more_parts) with ordinality loop
      perform pdfprompt_add_part(id, next_position, user_id, next_part ->> 'kind', next_part ->> 'content',
        next_part -> 'data', next_part ->> 'shown', coalesce(next_part -> 'settings', '{}'), next_part -> 'files',
        (next_part ->> 'template_version')::uuid);
      if next_part ->> 'template' is not null then
        templates := templates || (next_part ->> 'template');
      end if;
    end loop;
  end if;

  -- The user's fair-share state. From here to the commit no other submission of theirs goes on, so limits are exact,
  -- and no two jobs get the same place. The time is read after the lock is taken.
  if share.user_id is null then
    insert into pdfprompt_lane (user_id, virtual_finish) values (user_id, 0) on conflict do nothing;
  end if;
  select l.* into strict share from pdfprompt_lane l where l.user_id = user_id for no key update;
  accepted_at := clock_timestamp();
  perform pdfprompt_refuse_submission(user_id, idempotency_key, tier, share, accepted_at);

  -- The request is counted.
  share.recent := case when tier.requests_per_minute is null then array[accepted_at] else
    array(select t from unnest(share.recent) as t where t > accepted_at - interval '60 seconds') || accepted_at end;
  share.day_count := case when share.day = (accepted_at at time zone 'utc')::date then share.day_count else 0 end + 1;
  share.day := (accepted_at at time zone 'utc')::date;

  -- A job of a later time has its place from then on (pdfprompt_queue_scheduled).
  if run_at > accepted_at then
    job_rank := 0;
  else
    -- The job's virtual deadline, as in "virtual clock" packet scheduling. Each user has a time line, on which their jobs
    -- follow each other. A job takes a second of it, and half as much with each step of the tier's priority. It begins
    -- where the last queued job ends, or now if none is queued. The queue serves the earliest deadline. The jobs of a
    -- user with ten thousand of them reach far into the future, so another user's first job comes before most of them.
    -- No job waits while there is room, and each is served in the end, because the present moves on.
    present := extract(epoch from accepted_at);
    if exists (select from pdfprompt_job j where j.user_id = user_id and j.is_queued and j.batch_row is null) then
      share.virtual_finish := greatest(present, share.virtual_finish);
    else
      share.virtual_finish := present;
    end if;
    share.virtual_finish := share.virtual_finish + 1 / power(2, tier.priority);
    job_rank := round((share.virtual_finish - bonus[job_priority] - epoch) * 10);
    -- Items of the user's own batches that have waited for long do not come before it.
    job_rank := least(job_rank, (select j.rank - 1 from pdfprompt_job j
      where j.user_id = user_id and j.is_queued and j.batch_row is not null order by j.rank limit 1));
  end if;

  update pdfprompt_lane l
    set virtual_finish = share.virtual_finish, recent = share.recent, day = share.day, day_count = share.day_count
    where l.user_id = user_id;

  -- The job, and its place in the queue.
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      idempotency_key, idempotency_hash, sent_hash, keeps_parts, templates, created_at, run_at, status)
    values (id, user_id, job_priority, job_rank, request, filename, metadata, tier.name, request_id, traceparent,
      idempotency_key, case when idempotency_key is not null then coalesce(sent_hash, sha256('')) end, sent_hash, true,
      templates, accepted_at, run_at, case when run_at > accepted_at then 'scheduled' else 'queued' end);
  if run_at > accepted_at then
    -- Each process looks every few seconds what is due; a time before that has to be announced.
    if run_at < accepted_at + interval '10 seconds' then
      perform pg_notify('pdfprompt_scheduled', '');
    end if;
  else
    perform pdfprompt_enqueue(id, -job_rank, pdfprompt_claim_seconds(request));

    -- Workers are notified unless so many jobs are ahead that none can be idle.
    queue_position := pdfprompt_queue_position(job_rank, id);
    if queue_position < 100 then
      perform pg_notify('pdfprompt_queued', '');
    end if;
  end if;

  used := pdfprompt_use(share.recent, share.day, share.day_count, tier.requests_per_minute, accepted_at);
  requests_per_minute := tier.requests_per_minute;
  requests_per_day := tier.requests_per_day;
  minute_used := used.minute_used;
  minute_reset := used.minute_reset;
  day_used := used.day_used;
  day_reset := used.day_reset;
end $$;
comment on function pdfprompt_submit is 'Accepts a job within the limits of the user''s tier: writes its row, its parts and its place in the queue, or none of them. A job with a time that is yet to come is scheduled: it has no place until then. '
  'Errors: PDF01 a limit is reached (detail: the tier and the use of its limits, as JSON); '
  'PDF02 the idempotency key is in use (detail: the id of the job); '
  'PDF03 there is no such user, or they are being erased; '
  'PDF04 the queue did not take the job; '
  'PDF05 the user has no such asset (detail: their paths and hashes, as JSON); '
  'PDF06 the user has no such version of a template; '
  'PDF09 the time is past, or too far ahead (detail: in words).';

create function pdfprompt_queue_scheduled(most integer) returns integer language plpgsql as $$
#variable_conflict use_variable
declare
  at timestamptz := clock_timestamp();
  present double precision;
  -- As in pdfprompt_submit.
  bonus constant double precision[] := '[0:3]={0,30,60,30000000}';
  epoch constant double precision := extract(epoch from timestamptz '2030-01-01 00:00:00+00');
  due uuid[];
  users uuid[];
  -- Those whose fair-share state another transaction has in hand.
  busy uuid[] := '{}';
  free uuid[];
  places json;
begin
  loop
    select array_agg(d.id), array_agg(distinct d.user_id) into due, users from (
      select j.id, j.user_id from pdfprompt_job j
      where j.status = 'scheduled' and j.run_at <= at and j.user_id <> all (busy)
      order by j.run_at, j.id limit most for no key update skip locked) d;
    if due is null then
      return 0;
    end if;

    -- Their users' fair-share states: until the commit no submission of theirs goes on. What another transaction has in
    -- hand is not waited for: an application may keep its own open for long after pdfprompt.submit, and that is for its
    -- user's jobs to wait for, and for nobody else's.
    select coalesce(array_agg(l.user_id), '{}') into free from (
      select l.user_id from pdfprompt_lane l where l.user_id = any (users) order by l.user_id for no key update skip locked) l;
    exit when free <> '{}';
    busy := busy || users;
  end loop;
  at := clock_timestamp();
  present := extract(epoch from at);

  -- Each job has the place that it would have if it were submitted now, one after the other.
  with line as materialized (
    select l.user_id,
      -- With a limit, as "exists" would be answered from a list of all users with queued jobs.
      case when (select true from pdfprompt_job q
          where q.user_id = l.user_id and q.is_queued and q.batch_row is null limit 1)
        then greatest(present, l.virtual_finish) else present end as begins,
      1 / power(2, coalesce((select t.priority from pdfprompt_user_subscription s join pdfprompt_tier t on t.name = s.tier
        where s.user_id = l.user_id and s.ended_at is null), 0)) as cost,
      (select q.rank - 1 from pdfprompt_job q
        where q.user_id = l.user_id and q.is_queued and q.batch_row is not null order by q.rank limit 1) as before_items
    from pdfprompt_lane l where l.user_id = any (free)
  ), ranked as materialized (
    select placed.id, placed.user_id, placed.ends,
      least(round((placed.ends - bonus[placed.priority] - epoch) * 10), placed.before_items)::integer as rank
    from (
      select j.id, j.user_id, j.priority, line.before_items,
        line.begins + line.cost * row_number() over (partition by j.user_id order by j.run_at, j.id) as ends
      from unnest(due) as d (id) join pdfprompt_job j on j.id = d.id join line on line.user_id = j.user_id
    ) as placed
  ), moved as (
    update pdfprompt_lane l set virtual_finish = last.ends
    from (select r.user_id, max(r.ends) as ends from ranked r group by r.user_id) as last
    where l.user_id = last.user_id
  ), queued as (
    update pdfprompt_job j set status = 'queued', rank = r.rank, accepted_at = j.created_at, created_at = at
    from ranked r where j.id = r.id
    returning j.id, j.rank, j.request
  )
  select json_agg(json_build_object('id', q.id, 'priority', -q.rank, 'expireInSeconds', pdfprompt_claim_seconds(q.request)))
    into places from queued q;
  perform pdfprompt_enqueue_all(places);
  perform pg_notify('pdfprompt_queued', '');
  return json_array_length(places);
end $$;
comment on function pdfprompt_queue_scheduled is 'Puts scheduled jobs into the queue whose time has come, at most so many, and none that another transaction has in hand, nor of a user whose submission has not ended. Returns how many; 0: no more can be.';

-- In SQL. What a worker reads has no time any longer, as one of the release before knows of none.
create function pdfprompt_run_at(request jsonb) returns timestamptz language plpgsql stable as $$
declare
  -- As RUN_AT in src/domain/run-at.ts.
  form constant text := '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$';
  value constant jsonb := request -> 'runAt';
begin
  if value = 'null' then
    return null;
  end if;
  if jsonb_typeof(value) = 'string' and value #>> '{}' ~ form then
    begin
      return (value #>> '{}')::timestamptz;
    exception
      when data_exception then null; -- there is no such day
    end;
  end if;
  raise exception 'runAt: it is not valid' using errcode = 'PDF09',
    hint = 'Allowed: a date and time with Z or an offset, such as 2031-05-01T08:00:00+02:00.';
end $$;
comment on function pdfprompt_run_at is 'The time of a request, or null. Error: PDF09 it is none.';

comment on function pdfprompt.submit is 'Accepts a job for a user: request as the body of POST /v1/jobs. Returns its id; with an idempotency key that was used with the same request, the id of that job. '
  'Errors: PDF01 a limit of the tier is reached (hint: when it is free again); '
  'PDF03 there is no such user; '
  'PDF05 the user has no such asset, which a request with runAt names (detail: the hashes, as JSON); '
  'PDF07 there is no such webhook; '
  'PDF08 the idempotency key was used with another request (detail: the id of the job); '
  'PDF09 what was passed is not valid.';

create function pdfprompt_named_assets(request jsonb) returns jsonb language sql immutable as $$
  select jsonb_object_agg(f.value #>> '{}', lower(f.value #>> '{}'))
  from (
      select request -> 'files' as files union all
      select part -> 'files' from jsonb_array_elements(case when jsonb_typeof(request -> 'parts') = 'array' then request -> 'parts' else '[]' end) as part
    ) as own, jsonb_each(case when jsonb_typeof(own.files) = 'object' then own.files else '{}' end) as f
  where jsonb_typeof(f.value) = 'string' and f.value #>> '{}' ~ '^[0-9a-fA-F]{64}$'
$$;
comment on function pdfprompt_named_assets is 'The assets that a request names by their ids, as files of a part; null if there are none.';

create or replace function pdfprompt_submit_request(id uuid, user_id uuid, request jsonb, idempotency_key text, sent_hash bytea)
  returns void language plpgsql as $$
#variable_conflict use_variable
declare
  filename constant text := request ->> 'filename';
  timeout_ms constant text := case when jsonb_typeof(request -> 'timeoutMs') = 'number' then request ->> 'timeoutMs' end;
  run_at constant timestamptz := case when request ? 'runAt' then pdfprompt_run_at(request) end;
  settings jsonb := '{}';
  wanted constant jsonb := case when request ?| array['webhook', 'upload'] then pdfprompt_wanted_deliveries(request) else '[]' end;
begin
  -- For the time of a claim. Without it, as a template may say more, that is the longest that there is.
  if timeout_ms ~ '^[0-9]{4,6}$' and timeout_ms::integer <= 300000 then
    settings := jsonb_build_object('timeoutMs', timeout_ms::integer);
  end if;
  perform pdfprompt_submit(
    id => id, user_id => user_id, kind => 'request', data => request - 'runAt', request => settings,
    filename => case
      when filename ~ '^[^/\\[:cntrl:]]{1,200}$' and filename !~ '[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]' then filename
    end,
    metadata => case when request ? 'metadata' then pdfprompt_shown_metadata(request) else '{}' end,
    priority => array_position(array['low', 'medium', 'high', 'critical'], request ->> 'priority') - 1,
    idempotency_key => idempotency_key, sent_hash => sent_hash, run_at => run_at,
    -- So that they are still there at that time: a worker reads the request then.
    files => case when run_at > clock_timestamp() then pdfprompt_named_assets(request) end);
  if wanted <> '[]' then
    perform pdfprompt_add_deliveries(id, user_id, wanted);
  end if;
end $$;

create or replace function pdfprompt.job(id uuid) returns jsonb language sql stable security definer as $$
  select jsonb_build_object(
      'id', j.id,
      'status', j.status,
      'priority', (array['low', 'medium', 'high', 'critical'])[j.priority + 1],
      'attempts', j.attempts,
      'createdAt', pdfprompt_time_text(coalesce(j.accepted_at, j.created_at)),
      'runAt', pdfprompt_time_text(j.run_at),
      'startedAt', pdfprompt_time_text(j.started_at),
      'completedAt', pdfprompt_time_text(j.completed_at),
      'queuePosition', case when j.is_queued then pdfprompt_queue_position(j.rank, j.id) end,
      'timings', j.timings,
      'error', case when j.error_code is not null then
        jsonb_build_object('code', j.error_code, 'message', coalesce(j.error_message, '')) end,
      'file', case when f.id is not null then
        jsonb_build_object('id', f.id, 'size', f.size, 'pages', f.pages, 'type', f.type, 'sha256', encode(f.sha256, 'hex'),
          'url', case when f.expired_at is null then format('/v1/jobs/%s/pdf', j.id) end,
          'expiresAt', pdfprompt_time_text(f.expires_at)) end,
      'failedResources', j.failed_resources,
      'failedResourceCount', greatest(j.failed_resource_count, jsonb_array_length(j.failed_resources)),
      'missingFonts', j.missing_fonts,
      'incomplete', j.incomplete,
      'metadata', j.metadata,
      'templates', to_jsonb(coalesce(j.templates, '{}')))
    from pdfprompt_job j left join pdfprompt_file f on f.job_id = j.id and f.position = 0
    where j.id = job.id
$$;

create or replace function pdfprompt.cancel(id uuid) returns boolean language plpgsql security definer as $$
#variable_conflict use_variable
begin
  -- Its place in the queue is left to the worker that comes to it.
  update pdfprompt_job j set status = 'cancelled', worker_id = null, completed_at = clock_timestamp()
    where j.id = id and j.status in ('scheduled', 'queued', 'processing');
  if not found then
    return false;
  end if;
  update pdfprompt_job_attempt a set ended_at = clock_timestamp(), outcome = 'cancelled'
    where a.job_id = id and a.ended_at is null;
  perform pg_notify('pdfprompt_ended', id::text);
  return true;
end $$;

do $$
declare
  grantee name;
  f regprocedure;
begin
  -- So that a caller's search_path cannot lead to other tables of these names. Replacing a function forgets its settings.
  foreach f in array array['pdfprompt_submit', 'pdfprompt_queue_scheduled', 'pdfprompt_submit_request',
    'pdfprompt_run_at', 'pdfprompt_named_assets', 'pdfprompt.job', 'pdfprompt.cancel']::regproc[]::oid[]::regprocedure[]
  loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
  end loop;
  -- Nobody else may call those that are new, but for who may write our tables (0033).
  foreach f in array array['pdfprompt_submit', 'pdfprompt_queue_scheduled', 'pdfprompt_run_at', 'pdfprompt_named_assets']::regproc[]::oid[]::regprocedure[]
  loop
    execute format('revoke execute on function %s from public', f);
    for grantee in
      select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
      where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
    loop
      execute format('grant execute on function %s to %I', f, grantee);
    end loop;
  end loop;
  -- As the service's own connections have it: every statement here has an index.
  foreach f in array array['pdfprompt_submit', 'pdfprompt_queue_scheduled']::regproc[]::oid[]::regprocedure[]
  loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
    execute format('alter function %s set enable_bitmapscan = off', f);
  end loop;
end $$;
