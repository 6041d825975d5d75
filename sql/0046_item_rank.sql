-- Where an item stands in the queue is said once.

-- The function's body is bound when it is made, without a setting of its own, so that it becomes part of the statements that
-- have it.
create function pdfprompt_item_rank(virtual_start double precision, cost double precision, place integer) returns integer
  language sql immutable parallel safe
  return round((virtual_start + place * cost
    + 60 -- behind every job of the last minute that is no item, whosesoever it is
    - extract(epoch from timestamp '2030-01-01 00:00:00')) * 10)::integer;
comment on function pdfprompt_item_rank is 'The rank of an item of a batch. virtual_start of the batch and cost of an item (pdfprompt_item_cost) in seconds; place: from 1.';

create or replace function pdfprompt_add_items(batch_id uuid, items json, request jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  cost double precision;
  places json;
begin
  select b.* into strict batch from pdfprompt_batch b where b.id = batch_id;
  cost := pdfprompt_item_cost(batch.priority);
  with added as (
    insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
        keeps_parts, templates, batch_id, batch_row, created_at)
      select i.id, batch.user_id, batch.priority, pdfprompt_item_rank(batch.virtual_start, cost, i.row), request, i.filename,
        coalesce(i.metadata, '{}'), batch.tier, batch.request_id, batch.traceparent, true, batch.templates, batch.id, i.row,
        batch.created_at
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
        and exists (select from pdfprompt_part p where p.job_id = j.id and num_nonnulls(p.content, p.data) > 0)
      order by j.batch_row limit most
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
      keeps_parts, templates, batch_id, batch_row, created_at)
    select each.new, batch.user_id, batch.priority,
      pdfprompt_item_rank(batch.virtual_start, cost, done + each.number::integer),
      j.request, j.filename, j.metadata, batch.tier, batch.request_id, batch.traceparent, true, j.templates,
      batch.id, each.batch_row, clock_timestamp()
    from unnest(olds, news, batch_rows) with ordinality as each (old, new, batch_row, number)
      join pdfprompt_job j on j.id = each.old;
  perform pdfprompt_enqueue_all((
    select json_agg(json_build_object('id', j.id, 'priority', -j.rank,
      'expireInSeconds', pdfprompt_claim_seconds(j.request)))
    from pdfprompt_job j where j.id = any (news)));
  return cardinality(news);
end $$;

create or replace function pdfprompt_submit_run(run pdfprompt_schedule_run, at timestamptz) returns pdfprompt_schedule_run
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
  -- An application may keep a transaction open in which it has submitted for this user. That keeps no other schedule waiting.
  if not run.asked then
    perform set_config('lock_timeout', '500ms', true);
  end if;
  begin
    perform pdfprompt_submit_request(job, run.user_id, request, key, sha256(convert_to(key, 'UTF8')));
  exception
    -- Any other error: one schedule that cannot be run must not keep the others from it. But what befalls the database and
    -- not the request (a deadlock, no room, a shutdown) undoes the run: its time stays due.
    when others then
      if run.asked or left(sqlstate, 2) in ('40', '53', '57', '58') then
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
      elsif sqlstate = '55P03' then
        run.error_code := 'unavailable';
        run.error_message := 'a transaction in which a job of the user was submitted has not ended';
        run.retry_at := at + interval '10 seconds';
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

do $$
declare
  f text;
begin
  -- A function that is replaced loses its settings.
  foreach f in array array['pdfprompt_add_items', 'pdfprompt_retry_items', 'pdfprompt_submit_run'] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
  end loop;
  foreach f in array array['pdfprompt_retry_items', 'pdfprompt_submit_run'] loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
  end loop;
  alter function pdfprompt_retry_items set enable_bitmapscan = off;
  execute 'revoke execute on function pdfprompt_item_rank from public';
end $$;
