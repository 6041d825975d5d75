-- A batch ends again when its failed items have been retried. Each end is reported once, and by its time a delivery is known
-- to be of an end that is no longer true.
alter table pdfprompt_delivery add column batch_ended_at timestamptz;
comment on column pdfprompt_delivery.batch_ended_at is 'Of a batch: which of its ends, as completed_at of the batch had it. If that is another one now, nothing is sent.';

drop index pdfprompt_delivery_test;
create index pdfprompt_delivery_test on pdfprompt_delivery (created_at) where job_id is null and batch_id is null;

create or replace function pdfprompt_report_batch(batch pdfprompt_batch) returns void language plpgsql as $$
declare
  ended_as constant text := 'batch.completed';
  is_any_ready boolean;
begin
  -- Of an earlier end. One that is being sent is noticed by its sender.
  update pdfprompt_delivery d set status = 'cancelled', due_at = null, ended_at = clock_timestamp()
    where d.batch_id = batch.id and d.status in ('ready', 'waiting');
  -- What the request asked for was made with the batch, and is made again for every other end.
  if not exists (select from pdfprompt_delivery d where d.batch_id = batch.id and d.status = 'awaiting') then
    insert into pdfprompt_delivery (id, user_id, batch_id, kind, asked, webhook_id, url, host, status)
      select gen_random_uuid(), d.user_id, d.batch_id, d.kind, true, d.webhook_id, d.url, d.host, 'awaiting'
      from pdfprompt_delivery d where d.batch_id = batch.id and d.asked limit 1;
  end if;

  with asked as (
    update pdfprompt_delivery d set
      event = ended_as,
      batch_ended_at = batch.completed_at,
      status = case when w.off_since is not null or w.deleted_at is not null then 'failed' else 'ready' end,
      host = coalesce(w.host, d.host),
      ready_at = clock_timestamp(),
      ended_at = case when w.off_since is not null or w.deleted_at is not null then clock_timestamp() end
    from pdfprompt_delivery own left join pdfprompt_webhook w on w.id = own.webhook_id
    where own.batch_id = batch.id and own.status = 'awaiting' and d.id = own.id
    returning d.status
  ), subscribed as (
    insert into pdfprompt_delivery (id, user_id, batch_id, batch_ended_at, kind, webhook_id, host, event, status, ready_at, ended_at)
    select gen_random_uuid(), batch.user_id, batch.id, batch.completed_at, 'webhook', w.id, w.host, ended_as,
      case when w.off_since is null then 'ready' else 'failed' end, clock_timestamp(),
      case when w.off_since is not null then clock_timestamp() end
    from pdfprompt_webhook w
    where w.user_id = batch.user_id and w.deleted_at is null and ended_as = any (w.events)
      -- asked for, too
      and not exists (select from pdfprompt_delivery d
        where d.batch_id = batch.id and d.webhook_id = w.id and (d.status = 'awaiting' or d.batch_ended_at = batch.completed_at))
    returning status
  )
  select bool_or(made.status = 'ready') into is_any_ready
    from (select status from asked union all select status from subscribed) as made;
  if is_any_ready then
    perform pg_notify('pdfprompt_deliveries', '');
  end if;
  perform pg_notify('pdfprompt_jobs',
    json_build_object('batch', batch.id, 'user', batch.user_id, 'status', batch.status)::text);
end $$;

do $$
begin
  execute format('alter function pdfprompt_report_batch set search_path = pg_catalog, %I, pg_temp', current_schema());
  -- As the service's own connections have it: every statement here has an index.
  alter function pdfprompt_report_batch set plan_cache_mode = force_generic_plan;
  alter function pdfprompt_report_batch set enable_seqscan = off;
  alter function pdfprompt_report_batch set enable_bitmapscan = off;
end $$;
