-- Submission is a function, which the API calls. An application that may write these tables can call it too, within
-- its own transaction. pdfprompt_enqueue, which puts a job into the queue, is created with the queue
-- (src/queue/boss.ts) from pg-boss's own statement.

-- Use of the limits at a moment, from a row of pdfprompt_lane. plpgsql keeps its plans, as SQL functions do not.
create function pdfprompt_use(
  recent timestamptz[],
  day date,
  day_count integer,
  requests_per_minute integer,
  at timestamptz,
  out minute_used integer,
  out minute_reset double precision,
  out minute_wait double precision,
  out day_used integer,
  out day_reset double precision
) language plpgsql immutable as $$
declare
  today date := (at at time zone 'utc')::date;
  opens timestamptz;
begin
  recent := array(select accepted from unnest(recent) as accepted where accepted > at - interval '60 seconds');
  minute_used := cardinality(recent);
  minute_reset := coalesce(extract(epoch from recent[1] + interval '60 seconds' - at), 0);
  opens := recent[minute_used - requests_per_minute + 1] + interval '60 seconds';
  minute_wait := coalesce(extract(epoch from opens - at), 0);
  day_used := case when day = today then day_count else 0 end;
  day_reset := extract(epoch from (today + 1)::timestamp at time zone 'utc' - at);
end $$;
comment on function pdfprompt_use is 'minute_used, day_used: requests accepted in the last 60 seconds, and on this UTC day. Seconds: minute_reset, until the oldest of them is 60 seconds old; minute_wait, until one more is within the limit (0: it is now); day_reset, until the day ends.';

-- Seconds that a claim may last before its worker is taken for lost: the document's time limit (without one the longest
-- that there is), the time that a result may wait for its store (STORE_PATIENCE_SECONDS in src/jobs/finish.ts; a test
-- compares the two), and 90 seconds for the rest: a page (MAX_WAIT_MS in src/render/renderer.ts) and a process for its
-- steps, which may have to be started twice (src/finishing/).
create function pdfprompt_claim_seconds(request jsonb) returns integer language sql immutable as $$
  select ceil(coalesce((request ->> 'timeoutMs')::double precision, 300000) / 1000)::integer + 120 + 90
$$;

create function pdfprompt_refuse_submission(
  user_id uuid,
  idempotency_key text,
  tier pdfprompt_tier,
  share pdfprompt_lane,
  at timestamptz
) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  used record;
  known uuid;
begin
  if idempotency_key is not null then
    select j.id into known from pdfprompt_job j where j.user_id = user_id and j.idempotency_key = idempotency_key;
    if found then
      raise exception 'the idempotency key is in use' using errcode = 'PDF02', detail = known;
    end if;
  end if;

  used := pdfprompt_use(share.recent, share.day, share.day_count, tier.requests_per_minute, at);
  if used.minute_wait > 0 or used.day_used >= tier.requests_per_day then
    raise exception 'a limit of the tier % is reached', tier.name using errcode = 'PDF01',
      detail = (to_jsonb(tier) || to_jsonb(used))::text;
  end if;
end $$;
comment on function pdfprompt_refuse_submission is 'Raises PDF01 or PDF02, as pdfprompt_submit says, if a submission cannot be accepted at that time.';

create function pdfprompt_submit(
  id uuid,
  user_id uuid,
  -- the first part, a column of pdfprompt_part each
  kind text,
  content text default null,
  data jsonb default null,
  shown text default null,
  part_settings jsonb default '{}',
  -- the parts after it: objects with kind, content, data, shown and settings
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
  out accepted_at timestamptz,
  out job_priority integer,
  -- 100: 100 or more
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

  -- The parts, which may be megabytes, before anything is locked that other submissions of the user need.
  insert into pdfprompt_part (job_id, position, kind, content, data, shown, settings)
    values (id, 0, kind, content, data, shown, part_settings);
  if more_parts <> '[]' then
    insert into pdfprompt_part (job_id, position, kind, content, data, shown, settings)
      select id, more.position, more.part ->> 'kind', more.part ->> 'content', more.part -> 'data',
        more.part ->> 'shown', coalesce(more.part -> 'settings', '{}')
      from jsonb_array_elements(more_parts) with ordinality as more (part, position);
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

  -- The job's virtual deadline, as in "virtual clock" packet scheduling. Each user has a time line, on which their jobs
  -- follow each other. A job takes a second of it, and half as much with each step of the tier's priority. It begins
  -- where the last queued job ends, or now if none is queued. The queue serves the earliest deadline. The jobs of a
  -- user with ten thousand of them reach far into the future, so another user's first job comes before most of them.
  -- No job waits while there is room, and each is served in the end, because the present moves on.
  present := extract(epoch from accepted_at);
  if exists (select from pdfprompt_job j where j.user_id = user_id and j.is_queued) then
    share.virtual_finish := greatest(present, share.virtual_finish);
  else
    share.virtual_finish := present;
  end if;
  share.virtual_finish := share.virtual_finish + 1 / power(2, tier.priority);
  job_rank := round((share.virtual_finish - bonus[job_priority] - epoch) * 10);

  update pdfprompt_lane l
    set virtual_finish = share.virtual_finish, recent = share.recent, day = share.day, day_count = share.day_count
    where l.user_id = user_id;

  -- The job, and its place in the queue.
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      idempotency_key, idempotency_hash, sent_hash, keeps_parts, created_at)
    values (id, user_id, job_priority, job_rank, request, filename, metadata, tier.name, request_id, traceparent,
      idempotency_key, case when idempotency_key is not null then coalesce(sent_hash, sha256('')) end, sent_hash, true,
      accepted_at);
  perform pdfprompt_enqueue(id, -job_rank, pdfprompt_claim_seconds(request));

  -- Workers are notified unless so many jobs are ahead that none can be idle.
  queue_position := pdfprompt_queue_position(job_rank, id);
  if queue_position < 100 then
    perform pg_notify('pdfprompt_queued', '');
  end if;

  used := pdfprompt_use(share.recent, share.day, share.day_count, tier.requests_per_minute, accepted_at);
  requests_per_minute := tier.requests_per_minute;
  requests_per_day := tier.requests_per_day;
  minute_used := used.minute_used;
  minute_reset := used.minute_reset;
  day_used := used.day_used;
  day_reset := used.day_reset;
end $$;
comment on function pdfprompt_submit is 'Accepts a job within the limits of the user''s tier: writes its row, its parts and its place in the queue, or none of them. '
  'Errors: PDF01 a limit is reached (detail: the tier and the use of its limits, as JSON); '
  'PDF02 the idempotency key is in use (detail: the id of the job); '
  'PDF03 there is no such user, or they are being erased; '
  'PDF04 the queue did not take the job.';

do $$
begin
  -- So that a caller's search_path cannot lead to other tables of these names.
  execute format('alter function pdfprompt_submit set search_path = pg_catalog, %I, pg_temp', current_schema());
  execute format('alter function pdfprompt_refuse_submission set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
alter function pdfprompt_use set search_path = pg_catalog, pg_temp;

-- As the service's own connections have it: every statement here has an index, and a plan from a time when a table was
-- small would read all of it.
alter function pdfprompt_submit set plan_cache_mode = force_generic_plan;
alter function pdfprompt_submit set enable_seqscan = off;
alter function pdfprompt_submit set enable_bitmapscan = off;
