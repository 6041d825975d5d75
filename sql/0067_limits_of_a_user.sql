-- Limits of one user over those of the tier, how long files are kept by job, user and tier, and which job a retry replaces.

-- First, as what follows begins with weaker locks.
lock table pdfprompt_job in access exclusive mode;

alter table pdfprompt_job add column retry_of uuid, add column retention_seconds integer;
comment on column pdfprompt_job.retry_of is 'The job that this one is a retry of. No foreign key: that one may be deleted first.';
comment on column pdfprompt_job.retention_seconds is 'How long its files are kept, as its request, its user or their tier said when it was accepted; empty: as the setting of the service says.';

alter table pdfprompt_tier add column retention_seconds integer
  constraint pdfprompt_tier_retention check (retention_seconds between 60 and 315360000);
comment on column pdfprompt_tier.retention_seconds is 'How long files are kept; empty: as the setting of the service says.';

alter table pdfprompt_user add column limits jsonb not null default '{}' constraint pdfprompt_user_limits check (
  jsonb_typeof(limits) = 'object'
  and limits - '{requestsPerMinute,requestsPerDay,priority,retention}'::text[] = '{}'
  and coalesce(limits -> 'priority', '0') in ('0', '1', '2', '3')
  and not jsonb_path_exists(limits, '$.* ? (@.type() != "number" && @.type() != "null")')
  and not jsonb_path_exists(limits, '$.* ? (@.type() == "number" && (@ < 0 || @ > 1000000000 || @.floor() != @))')
  and not jsonb_path_exists(limits, '$.requestsPerMinute ? (@ < 1)')
  and not jsonb_path_exists(limits, '$.requestsPerDay ? (@ < 1)')
  and not jsonb_path_exists(limits, '$.retention ? (@ < 60 || @ > 315360000)'));
comment on column pdfprompt_user.limits is 'What is not as the tier says: requestsPerMinute and requestsPerDay (null: no limit), priority, retention (seconds; null: as the setting of the service says).';

-- As a change of the tier (0008).
create trigger pdfprompt_user_ring_limits after update of limits on pdfprompt_user
  for each row when (old.limits is distinct from new.limits) execute function pdfprompt_ring_user();

create function pdfprompt_limits(user_id uuid) returns pdfprompt_tier language plpgsql stable as $$
#variable_conflict use_variable
declare
  tier pdfprompt_tier;
  own jsonb;
begin
  select t.name, t.created_at, t.updated_at, t.requests_per_minute, t.requests_per_day, t.priority, t.retention_seconds, u.limits
    into tier.name, tier.created_at, tier.updated_at, tier.requests_per_minute, tier.requests_per_day, tier.priority,
      tier.retention_seconds, own
    from pdfprompt_user u
    join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
    join pdfprompt_tier t on t.name = s.tier
    where u.id = user_id and u.erased_at is null;
  if not found then
    raise exception 'there is no user % with a subscription', user_id using errcode = 'PDF03';
  end if;
  if own <> '{}' then
    if own ? 'requestsPerMinute' then tier.requests_per_minute := (own ->> 'requestsPerMinute')::integer; end if;
    if own ? 'requestsPerDay' then tier.requests_per_day := (own ->> 'requestsPerDay')::integer; end if;
    if own ? 'priority' then tier.priority := (own ->> 'priority')::smallint; end if;
    if own ? 'retention' then tier.retention_seconds := (own ->> 'retention')::integer; end if;
  end if;
  return tier;
end $$;
comment on function pdfprompt_limits is 'The limits in force of a user: the tier''s, and over them their own. Error: PDF03 there is no such user, or they are being erased.';

-- Submission as before (0047), within the limits in force. A function gets another parameter by being made again.
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
  -- the job that this one is to replace
  retry_of uuid default null,
  -- seconds that its files are kept; null: as the user's limits, then the setting of the service say
  retention_seconds integer default null,
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
  -- The user, locked until the commit so that they cannot be erased meanwhile, and what they may do.
  perform from pdfprompt_user u where u.id = user_id for key share;
  tier := pdfprompt_limits(user_id);

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
  -- Read again, as they may have changed while this waited for its turn.
  tier := pdfprompt_limits(user_id);
  job_priority := least(coalesce(priority, tier.priority), tier.priority);
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
      idempotency_key, idempotency_hash, sent_hash, keeps_parts, templates, created_at, run_at, status,
      retry_of, retention_seconds)
    values (id, user_id, job_priority, job_rank, request, filename, metadata, tier.name, request_id, traceparent,
      idempotency_key, case when idempotency_key is not null then coalesce(sent_hash, sha256('')) end, sent_hash, true,
      templates, accepted_at, run_at, case when run_at > accepted_at then 'scheduled' else 'queued' end,
      retry_of, coalesce(retention_seconds, tier.retention_seconds));
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
comment on function pdfprompt_submit is 'Accepts a job within the limits in force of the user: writes its row, its parts and its place in the queue, or none of them. A job with a time that is yet to come is scheduled: it has no place until then. '
  'Errors: PDF01 a limit is reached (detail: the tier with the limits in force, and the use of them, as JSON); '
  'PDF02 the idempotency key is in use (detail: the id of the job); '
  'PDF03 there is no such user, or they are being erased; '
  'PDF04 the queue did not take the job; '
  'PDF05 the user has no such asset (detail: their paths and hashes, as JSON); '
  'PDF06 the user has no such version of a template; '
  'PDF09 the time is past, or too far ahead (detail: in words).';

-- As before (0052), with the time that files are kept.
create or replace function pdfprompt_submit_request(id uuid, user_id uuid, request jsonb, idempotency_key text, sent_hash bytea)
  returns void language plpgsql as $$
#variable_conflict use_variable
declare
  filename constant text := request ->> 'filename';
  timeout_ms constant text := case when jsonb_typeof(request -> 'timeoutMs') = 'number' then request ->> 'timeoutMs' end;
  run_at constant timestamptz := case when request ? 'runAt' then pdfprompt_run_at(request) end;
  retention constant text := case when jsonb_typeof(request -> 'retention') = 'number' then request ->> 'retention' end;
  settings jsonb := '{}';
  wanted constant jsonb := case when request ?| array['webhook', 'upload'] then pdfprompt_wanted_deliveries(request) else '[]' end;
begin
  if request ?| array['data', 'files', 'parts'] then
    perform pdfprompt_check_sources(request);
  end if;
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
    -- Whether it may be that is for the worker to say.
    retention_seconds => case when retention ~ '^[1-9][0-9]{1,8}$' and retention::integer between 60 and 315360000 then retention::integer end,
    -- So that they are still there at that time: a worker reads the request then.
    files => case when run_at > clock_timestamp() then pdfprompt_named_assets(request) end);
  if wanted <> '[]' then
    perform pdfprompt_add_deliveries(id, user_id, wanted);
  end if;
end $$;

-- As before (0047), with a priority of the user's own.
create or replace function pdfprompt_queue_scheduled(most integer) returns integer language plpgsql as $$
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
      1 / power(2, coalesce((select coalesce((u.limits ->> 'priority')::smallint, t.priority)
        from pdfprompt_user u join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
          join pdfprompt_tier t on t.name = s.tier where u.id = l.user_id), 0)) as cost,
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

-- Batches as before (0038, 0046, 0054), with the same.
create or replace function pdfprompt_check_batch(user_id uuid, total integer, idempotency_key text) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  tier pdfprompt_tier;
  share pdfprompt_lane;
begin
  tier := pdfprompt_limits(user_id);
  select l.* into share from pdfprompt_lane l where l.user_id = user_id;
  perform pdfprompt_refuse_batch(user_id, total, idempotency_key, tier, share, clock_timestamp());
end $$;

create or replace function pdfprompt_admit_items(
  user_id uuid,
  total integer,
  -- null: one step below the tier's, which is also the highest
  priority integer,
  idempotency_key text,
  out accepted_at timestamptz,
  out tier text,
  out batch_priority integer,
  -- on the user's time line of items
  out virtual_start double precision,
  -- the limits of the tier, and the use of them with these items
  out requests_per_minute integer,
  out requests_per_day integer,
  out minute_used integer,
  out minute_reset double precision,
  out day_used integer,
  out day_reset double precision
) language plpgsql as $$
#variable_conflict use_variable
declare
  allowed pdfprompt_tier;
  share pdfprompt_lane;
  used record;
  present double precision;
begin
  -- The user, locked until the commit so that they cannot be erased meanwhile.
  perform from pdfprompt_user u where u.id = user_id for key share;
  if not found then
    raise exception 'there is no user % with a subscription', user_id using errcode = 'PDF03';
  end if;

  -- From here to the commit no other submission of the user goes on, so limits are exact. They are read after that, as they
  -- may change while this waits for its turn.
  insert into pdfprompt_lane (user_id, virtual_finish) values (user_id, 0) on conflict do nothing;
  select l.* into strict share from pdfprompt_lane l where l.user_id = user_id for no key update;
  accepted_at := clock_timestamp();
  allowed := pdfprompt_limits(user_id);
  tier := allowed.name;
  batch_priority := greatest(0, least(coalesce(priority, allowed.priority), allowed.priority - 1));
  perform pdfprompt_refuse_batch(user_id, total, idempotency_key, allowed, share, accepted_at);
  used := pdfprompt_use(share.recent, share.day, share.day_count, allowed.requests_per_minute, accepted_at);
  share.recent := case when allowed.requests_per_minute is null then array[accepted_at] else
    array(select t from unnest(share.recent) as t where t > accepted_at - interval '60 seconds') || accepted_at end;
  share.day_count := used.day_used + total;
  share.day := (accepted_at at time zone 'utc')::date;

  -- Items have a time line of their own, so that a single job of the user is not behind ten thousand of them.
  present := extract(epoch from accepted_at);
  virtual_start := present;
  if exists (select from pdfprompt_job j where j.user_id = user_id and j.is_queued and j.batch_row is not null) then
    virtual_start := greatest(present, share.batch_finish);
  end if;
  update pdfprompt_lane l set recent = share.recent, day = share.day, day_count = share.day_count,
      batch_finish = virtual_start + total * pdfprompt_item_cost(batch_priority)
    where l.user_id = user_id;

  used := pdfprompt_use(share.recent, share.day, share.day_count, allowed.requests_per_minute, accepted_at);
  requests_per_minute := allowed.requests_per_minute;
  requests_per_day := allowed.requests_per_day;
  minute_used := used.minute_used;
  minute_reset := used.minute_reset;
  day_used := used.day_used;
  day_reset := used.day_reset;
end $$;

create or replace function pdfprompt_add_items(batch_id uuid, items json, request jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  cost double precision;
  places json;
  retention integer;
begin
  select b.* into strict batch from pdfprompt_batch b where b.id = batch_id;
  cost := pdfprompt_item_cost(batch.priority);
  retention := coalesce((request ->> 'retention')::integer, (pdfprompt_limits(batch.user_id)).retention_seconds);
  with added as (
    insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
        keeps_parts, templates, batch_id, batch_row, created_at,
        retention_seconds)
      select i.id, batch.user_id, batch.priority, pdfprompt_item_rank(batch.virtual_start, cost, i.row), request, i.filename,
        coalesce(i.metadata, '{}'), batch.tier, batch.request_id, batch.traceparent, true, batch.templates, batch.id, i.row,
        batch.created_at, retention
      from json_to_recordset(items) as i (id uuid, row integer, filename text, metadata jsonb)
      returning id, rank
  )
    select json_agg(json_build_object('id', a.id, 'priority', -a.rank,
      'expireInSeconds', pdfprompt_claim_seconds(request))) into places from added a;
  perform pdfprompt_enqueue_all(places);
end $$;

create or replace function pdfprompt_retry_items(batch_id uuid, done integer, most integer) returns integer language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  olds uuid[];
  batch_rows integer[];
  news uuid[];
  cost double precision;
begin
  select b.* into strict batch from pdfprompt_batch b where b.id = batch_id;
  cost := pdfprompt_item_cost(batch.priority);
  select array_agg(each.id), array_agg(each.batch_row), array_agg(pdfprompt_new_id()) into olds, batch_rows, news from (
    select j.id, j.batch_row from pdfprompt_job j
      where j.batch_id = batch_id and j.batch_row is not null and j.status in ('failed', 'cancelled')
        -- Of a job that was locked what is in its row is looked at again, and not what its parts are.
        and (num_nonnulls(j.html, j.url) > 0 or j.keeps_parts
          and exists (select from pdfprompt_part p where p.job_id = j.id and num_nonnulls(p.content, p.data) > 0))
      order by j.batch_row limit most for no key update of j
  ) as each;
  if olds is null then
    return 0;
  end if;

  insert into pdfprompt_part (job_id, position, kind, content, data, shown, settings, has_files, template_version)
    select each.new, p.position, p.kind, p.content, p.data, p.shown, p.settings, p.has_files, p.template_version
    from unnest(olds, news) as each (old, new) join pdfprompt_part p on p.job_id = each.old;
  insert into pdfprompt_part_file (job_id, position, name, asset_id)
    select each.new, f.position, f.name, f.asset_id
    from unnest(olds, news) as each (old, new) join pdfprompt_part_file f on f.job_id = each.old;
  insert into pdfprompt_part (job_id, position, kind, content, shown, settings)
    select each.new, 0, case when j.html is null then 'url' else 'html' end, coalesce(j.html, j.url),
      case when j.html is null then split_part(split_part(j.url, '#', 1), '?', 1) end,
      jsonb_strip_nulls(jsonb_build_object('title', j.request -> 'title'))
    from unnest(olds, news) as each (old, new) join pdfprompt_job j on j.id = each.old
    where num_nonnulls(j.html, j.url) > 0;

  update pdfprompt_batch_count c set
      open = c.open + again.items, failed = c.failed - again.failed, cancelled = c.cancelled - again.cancelled
    from (
      select j.batch_row % 16 as shard, count(*) as items, count(*) filter (where j.status = 'failed') as failed,
        count(*) filter (where j.status = 'cancelled') as cancelled
      from pdfprompt_job j where j.id = any (olds) group by 1
    ) as again
    where c.batch_id = batch_id and c.shard = again.shard;
  update pdfprompt_job j set batch_id = null, batch_row = null where j.id = any (olds);
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      keeps_parts, templates, batch_id, batch_row, created_at, retry_of, retention_seconds)
    select each.new, batch.user_id, batch.priority,
      pdfprompt_item_rank(batch.virtual_start, cost, done + each.number::integer),
      j.request - 'title', j.filename, j.metadata, batch.tier, batch.request_id, batch.traceparent, true, j.templates,
      batch.id, each.batch_row, clock_timestamp(), each.old, j.retention_seconds
    from unnest(olds, news, batch_rows) with ordinality as each (old, new, batch_row, number)
      join pdfprompt_job j on j.id = each.old;
  perform pdfprompt_enqueue_all((
    select json_agg(json_build_object('id', j.id, 'priority', -j.rank,
      'expireInSeconds', pdfprompt_claim_seconds(j.request)))
    from pdfprompt_job j where j.id = any (news)));
  return cardinality(news);
end $$;

create or replace function pdfprompt_close_batch(batch pdfprompt_batch) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  job uuid := pdfprompt_new_id();
  epoch constant double precision := extract(epoch from timestamptz '2030-01-01 00:00:00+00');
  job_rank constant integer := round((extract(epoch from clock_timestamp()) + 1 - epoch) * 10);
  -- Half an hour, for a hundred thousand items.
  request constant jsonb := '{"timeoutMs": 1800000}';
begin
  insert into pdfprompt_part (job_id, position, kind, data) values (job, 0, 'batch', jsonb_build_object('batch', batch.id));
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      keeps_parts, templates, batch_id, created_at, retention_seconds)
    values (job, batch.user_id, batch.priority, job_rank, request, batch.filename, batch.metadata, batch.tier, batch.request_id,
      batch.traceparent, true, batch.templates, batch.id, clock_timestamp(),
      (select j.retention_seconds from pdfprompt_job j where j.batch_id = batch.id and j.batch_row is not null order by j.batch_row limit 1));
  if batch.upload is not null then
    perform pdfprompt_add_deliveries(job, batch.user_id, jsonb_build_array(batch.upload));
  end if;
  perform pdfprompt_enqueue(job, -job_rank, pdfprompt_claim_seconds(request));
  perform pg_notify('pdfprompt_queued', '');
end $$;

do $$
declare
  grantee name;
  f regprocedure;
begin
  -- Replacing a function forgets its settings.
  foreach f in array array['pdfprompt_limits', 'pdfprompt_submit', 'pdfprompt_submit_request', 'pdfprompt_queue_scheduled',
    'pdfprompt_check_batch', 'pdfprompt_admit_items', 'pdfprompt_add_items', 'pdfprompt_retry_items',
    'pdfprompt_close_batch']::regproc[]::oid[]::regprocedure[]
  loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
  end loop;
  -- As the service's own connections have it: every statement here has an index.
  foreach f in array array['pdfprompt_limits', 'pdfprompt_submit', 'pdfprompt_queue_scheduled', 'pdfprompt_check_batch',
    'pdfprompt_admit_items', 'pdfprompt_retry_items']::regproc[]::oid[]::regprocedure[]
  loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
    execute format('alter function %s set enable_bitmapscan = off', f);
  end loop;
  -- Nobody else may call those that are new, but for who may write our tables (0033).
  foreach f in array array['pdfprompt_limits', 'pdfprompt_submit']::regproc[]::oid[]::regprocedure[] loop
    execute format('revoke execute on function %s from public', f);
    for grantee in
      select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
      where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
    loop
      execute format('grant execute on function %s to %I', f, grantee);
    end loop;
  end loop;
end $$;
