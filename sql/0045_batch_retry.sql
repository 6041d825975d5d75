-- A batch that has ended goes on: what failed or was cancelled is done again, by new jobs in the places of the old ones.

create function pdfprompt_reopen_batch(
  id uuid,
  user_id uuid,
  request_id text default null,
  traceparent text default null,
  -- items that will be done again; 0: what there is, is merged again
  out total integer,
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
      and exists (select from pdfprompt_part p where p.job_id = j.id and num_nonnulls(p.content, p.data) > 0);
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
comment on function pdfprompt_reopen_batch is 'Begins a retry of a batch within the limits of the user''s tier. Its items have to follow in the same transaction (pdfprompt_retry_items). '
  'Errors: PDF13 there is no such batch; PDF11 it has not ended; PDF12 no item failed or was cancelled whose document is still kept; and those of pdfprompt_open_batch.';

create function pdfprompt_retry_items(batch_id uuid, done integer, most integer) returns integer language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  olds uuid[];
  batch_rows integer[];
  news uuid[];
  behind constant double precision := 60;
  epoch constant double precision := extract(epoch from timestamptz '2030-01-01 00:00:00+00');
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
      round((batch.virtual_start + (done + each.number) * cost + behind - epoch) * 10),
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
comment on function pdfprompt_retry_items is 'Makes new jobs from the documents of the first items of a batch that failed or were cancelled, most of them at a time, in their places. done: how many were made before. Returns how many.';

do $$
declare
  f text;
begin
  foreach f in array array['pdfprompt_reopen_batch', 'pdfprompt_retry_items'] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
    execute format('revoke execute on function %s from public', f);
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
    execute format('alter function %s set enable_bitmapscan = off', f);
  end loop;
end $$;
