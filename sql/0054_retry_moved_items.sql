-- An item of a batch that a worker of the last release has begun has its document in the job's row (0020). If it failed,
-- it could not be done again, as only documents in parts were looked for.

-- As before (0045), with that.
create or replace function pdfprompt_reopen_batch(
  id uuid,
  user_id uuid,
  request_id text default null,
  traceparent text default null,
  out total integer,
  out requests_per_minute integer,
  out requests_per_day integer,
  out minute_used integer,
  out minute_reset double precision,
  out day_used integer,
  out day_reset double precision
) language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  admitted record;
  is_unmerged boolean;
begin
  -- Of several retries one goes on; the others find a batch that has not ended.
  select b.* into batch from pdfprompt_batch b where b.id = id and b.user_id = user_id for no key update;
  if not found then
    raise exception 'there is no such batch' using errcode = 'PDF13';
  end if;
  if batch.completed_at is null then
    raise exception 'the batch is %', batch.status using errcode = 'PDF11';
  end if;
  select count(*) into total from pdfprompt_job j
    where j.batch_id = id and j.batch_row is not null and j.status in ('failed', 'cancelled')
      and (num_nonnulls(j.html, j.url) > 0 or j.keeps_parts
        and exists (select from pdfprompt_part p where p.job_id = j.id and num_nonnulls(p.content, p.data) > 0));
  is_unmerged := batch.result = 'merged' and batch.status <> 'completed'
    and exists (select from pdfprompt_batch_count c where c.batch_id = id and c.completed > 0);
  if total = 0 and not is_unmerged then
    raise exception 'nothing of the batch can be done again' using errcode = 'PDF12';
  end if;

  admitted := pdfprompt_admit_items(user_id, total, batch.priority, null);
  -- What merged the items, or was to, is a job like any other from now on.
  update pdfprompt_job j set batch_id = null where j.batch_id = id and j.batch_row is null;
  update pdfprompt_batch b set
      status = case when total = 0 then 'closing' else 'processing' end,
      tier = admitted.tier, priority = admitted.batch_priority, virtual_start = admitted.virtual_start,
      request_id = pdfprompt_reopen_batch.request_id, traceparent = pdfprompt_reopen_batch.traceparent,
      error_code = null, error_message = null, completed_at = null
    where b.id = id returning b.* into batch;
  if total = 0 then
    perform pdfprompt_close_batch(batch);
  end if;
  perform pg_notify('pdfprompt_queued', '');

  requests_per_minute := admitted.requests_per_minute;
  requests_per_day := admitted.requests_per_day;
  minute_used := admitted.minute_used;
  minute_reset := admitted.minute_reset;
  day_used := admitted.day_used;
  day_reset := admitted.day_reset;
end $$;

-- As before (0051), with that: the documents in the rows become parts again.
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
      keeps_parts, templates, batch_id, batch_row, created_at)
    select each.new, batch.user_id, batch.priority,
      pdfprompt_item_rank(batch.virtual_start, cost, done + each.number::integer),
      j.request - 'title', j.filename, j.metadata, batch.tier, batch.request_id, batch.traceparent, true, j.templates,
      batch.id, each.batch_row, clock_timestamp()
    from unnest(olds, news, batch_rows) with ordinality as each (old, new, batch_row, number)
      join pdfprompt_job j on j.id = each.old;
  perform pdfprompt_enqueue_all((
    select json_agg(json_build_object('id', j.id, 'priority', -j.rank,
      'expireInSeconds', pdfprompt_claim_seconds(j.request)))
    from pdfprompt_job j where j.id = any (news)));
  return cardinality(news);
end $$;

do $$
declare
  f regprocedure;
begin
  -- A function that is replaced loses its settings.
  foreach f in array array['pdfprompt_reopen_batch', 'pdfprompt_retry_items']::regproc[]::oid[]::regprocedure[] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
    execute format('alter function %s set enable_bitmapscan = off', f);
  end loop;
end $$;
