-- Submission as before, except that items of batches have a time line of their own (0038): they neither put a single job of
-- the user off, nor come before it.
create or replace function pdfprompt_submit(
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
  next_part jsonb;
  next_position integer;
  templates text[];
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

  update pdfprompt_lane l
    set virtual_finish = share.virtual_finish, recent = share.recent, day = share.day, day_count = share.day_count
    where l.user_id = user_id;

  -- The job, and its place in the queue.
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      idempotency_key, idempotency_hash, sent_hash, keeps_parts, templates, created_at)
    values (id, user_id, job_priority, job_rank, request, filename, metadata, tier.name, request_id, traceparent,
      idempotency_key, case when idempotency_key is not null then coalesce(sent_hash, sha256('')) end, sent_hash, true,
      templates, accepted_at);
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

do $$
begin
  -- As before: replacing a function forgets its settings.
  execute format('alter function pdfprompt_submit set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
alter function pdfprompt_submit set plan_cache_mode = force_generic_plan;
alter function pdfprompt_submit set enable_seqscan = off;
alter function pdfprompt_submit set enable_bitmapscan = off;

drop index pdfprompt_job_queued_user;
