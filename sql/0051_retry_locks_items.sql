-- The documents of failed items may be deleted, as they are kept no longer, while they are copied for a retry. So the items
-- are locked first, which also is the first that the deletion does.

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
        -- Of a job that was locked this is looked at again, and not what its parts are.
        and j.keeps_parts
        and exists (select from pdfprompt_part p where p.job_id = j.id and num_nonnulls(p.content, p.data) > 0)
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

do $$
begin
  -- A function that is replaced loses its settings.
  execute format('alter function pdfprompt_retry_items set search_path = pg_catalog, %I, pg_temp', current_schema());
  alter function pdfprompt_retry_items set plan_cache_mode = force_generic_plan;
  alter function pdfprompt_retry_items set enable_seqscan = off;
  alter function pdfprompt_retry_items set enable_bitmapscan = off;
end $$;
