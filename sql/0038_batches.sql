-- Batches: many documents that are accepted together. Each is a job like any other; the batch counts those that have
-- ended, and its end is decided by one row lock.

-- First, as what follows begins with weaker locks.
lock table pdfprompt_user, pdfprompt_job, pdfprompt_lane, pdfprompt_delivery in access exclusive mode;

create table pdfprompt_batch (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  status text not null default 'processing' check (status in ('processing', 'closing', 'completed', 'failed', 'cancelled')),
  result text not null check (result in ('files', 'zip', 'merged')),
  total integer not null check (total > 0),
  skipped integer not null default 0 check (skipped >= 0),
  skipped_rows jsonb not null default '[]',
  filename text,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  templates text[],
  tier text not null,
  priority smallint not null check (priority between 0 and 3),
  virtual_start double precision not null,
  upload jsonb,
  request_id text,
  traceparent text,
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  sent_hash bytea,
  error_code text,
  error_message text,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  check ((idempotency_key is null) = (sent_hash is null)),
  check ((error_code is null) = (error_message is null)),
  check (completed_at is null or status in ('completed', 'failed', 'cancelled')),
  check (completed_at is not null or status in ('processing', 'closing', 'cancelled'))
);
comment on table pdfprompt_batch is 'Documents that were accepted together. Their jobs are the items; a last job, without a row number, merges them if that was asked for.';
comment on column pdfprompt_batch.status is 'processing: its items; closing: they have ended and are merged; completed: at least one item is; failed: none is, or they could not be merged; cancelled, and over when completed_at is set.';
comment on column pdfprompt_batch.total is 'Of its items';
comment on column pdfprompt_batch.skipped is 'Rows that were not valid and were left out, as the request allowed; what was wrong with the first of them is in skipped_rows.';
comment on column pdfprompt_batch.filename is 'Of the merged PDF or of the zip';
comment on column pdfprompt_batch.virtual_start is 'On the user''s time line of items, where the first begins';
comment on column pdfprompt_batch.upload is 'Where the merged PDF is put; erased at the end.';
comment on column pdfprompt_batch.sent_hash is 'What a repeated idempotency key must come with again';
create unique index pdfprompt_batch_idempotency_key on pdfprompt_batch (user_id, idempotency_key) where idempotency_key is not null;
create index pdfprompt_batch_user on pdfprompt_batch (user_id, id desc);
create index pdfprompt_batch_open on pdfprompt_batch (id) where completed_at is null;
create index pdfprompt_batch_ended on pdfprompt_batch (completed_at) where completed_at is not null;
create index pdfprompt_batch_user_ended on pdfprompt_batch (user_id, completed_at, id) where completed_at is not null;

-- Several rows for each batch, so that items that end at the same time seldom wait for each other.
create table pdfprompt_batch_count (
  batch_id uuid not null references pdfprompt_batch (id) on delete cascade,
  shard smallint not null,
  open integer not null check (open >= 0),
  completed integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  primary key (batch_id, shard)
);
comment on table pdfprompt_batch_count is 'How many items of a batch have not ended, and how the others have: an item counts in the shard of its row number modulo 16.';
alter table pdfprompt_batch_count set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

alter table pdfprompt_job add column batch_id uuid, add column batch_row integer;
comment on column pdfprompt_job.batch_id is 'Of an item, or of the job that merges the items. No foreign key: a check for each of ten thousand rows costs more than what it guards.';
comment on column pdfprompt_job.batch_row is 'Of an item: its row in what was sent, from 1. Empty in the job that merges them.';

alter table pdfprompt_lane add column batch_finish double precision not null default 0;
comment on column pdfprompt_lane.batch_finish is 'As virtual_finish, for the items of batches';

alter table pdfprompt_delivery add column batch_id uuid references pdfprompt_batch (id) on delete cascade;
comment on column pdfprompt_delivery.batch_id is 'Of the end of a batch';
comment on column pdfprompt_delivery.job_id is 'Without it, and without batch_id: a test of the endpoint';
create index pdfprompt_delivery_batch on pdfprompt_delivery (batch_id) where batch_id is not null;

-- Each tenant sees its own rows (sql/0009_tenant_wall.sql).
grant select on pdfprompt_batch, pdfprompt_batch_count to pdfprompt_tenant;
alter table pdfprompt_batch enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_batch using (true);
create policy pdfprompt_one_tenant on pdfprompt_batch as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);
alter table pdfprompt_batch_count enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_batch_count using (true);
create policy pdfprompt_one_tenant on pdfprompt_batch_count as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select b.user_id from pdfprompt_batch b where b.id = batch_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

-- The end of a batch. It does not matter who ends the last item: it is the transaction that does.
create function pdfprompt_report_batch(batch pdfprompt_batch) returns void language plpgsql as $$
declare
  ended_as constant text := 'batch.completed';
  is_any_ready boolean;
begin
  with asked as (
    update pdfprompt_delivery d set
      event = ended_as,
      status = case when w.off_since is not null or w.deleted_at is not null then 'failed' else 'ready' end,
      host = coalesce(w.host, d.host),
      ready_at = clock_timestamp(),
      ended_at = case when w.off_since is not null or w.deleted_at is not null then clock_timestamp() end
    from pdfprompt_delivery own left join pdfprompt_webhook w on w.id = own.webhook_id
    where own.batch_id = batch.id and own.status = 'awaiting' and d.id = own.id
    returning d.status
  ), subscribed as (
    insert into pdfprompt_delivery (id, user_id, batch_id, kind, webhook_id, host, event, status, ready_at, ended_at)
    select gen_random_uuid(), batch.user_id, batch.id, 'webhook', w.id, w.host, ended_as,
      case when w.off_since is null then 'ready' else 'failed' end, clock_timestamp(),
      case when w.off_since is not null then clock_timestamp() end
    from pdfprompt_webhook w
    where w.user_id = batch.user_id and w.deleted_at is null and ended_as = any (w.events)
      and not exists (select from pdfprompt_delivery d where d.batch_id = batch.id and d.webhook_id = w.id)
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
comment on function pdfprompt_report_batch is 'Makes the deliveries of a batch that ends, in the same transaction, and notifies those who wait for it.';

create function pdfprompt_close_batch(batch pdfprompt_batch) returns void language plpgsql as $$
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
      keeps_parts, templates, batch_id, created_at)
    values (job, batch.user_id, batch.priority, job_rank, request, batch.filename, batch.metadata, batch.tier, batch.request_id,
      batch.traceparent, true, batch.templates, batch.id, clock_timestamp());
  if batch.upload is not null then
    perform pdfprompt_add_deliveries(job, batch.user_id, jsonb_build_array(batch.upload));
  end if;
  perform pdfprompt_enqueue(job, -job_rank, pdfprompt_claim_seconds(request));
  perform pg_notify('pdfprompt_queued', '');
end $$;
comment on function pdfprompt_close_batch is 'Queues the job that merges the items of a batch.';

create function pdfprompt_end_batch(id uuid) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  has_result boolean;
begin
  -- Shards may become empty in several transactions at a time. Each looks at all of them when those before it have been
  -- committed, so the last one, and it alone, finds nothing open.
  select b.* into batch from pdfprompt_batch b where b.id = id for no key update;
  if not found or batch.completed_at is not null or batch.status = 'closing'
    or exists (select from pdfprompt_batch_count c where c.batch_id = id and c.open > 0)
  then
    return;
  end if;

  has_result := exists (select from pdfprompt_batch_count c where c.batch_id = id and c.completed > 0);
  if batch.status = 'processing' and batch.result = 'merged' and has_result then
    update pdfprompt_batch b set status = 'closing' where b.id = id;
    perform pdfprompt_close_batch(batch);
    return;
  end if;
  update pdfprompt_batch b set
      status = case when b.status = 'cancelled' then b.status when has_result then 'completed' else 'failed' end,
      error_code = case when b.status <> 'cancelled' and not has_result then 'job_failed' end,
      error_message = case when b.status <> 'cancelled' and not has_result then 'no item of the batch is completed' end,
      upload = null, completed_at = clock_timestamp()
    where b.id = id returning b.* into batch;
  perform pdfprompt_report_batch(batch);
end $$;
comment on function pdfprompt_end_batch is 'Ends a batch, or has its items merged, if all of them have ended: once, in whatever transactions they do.';

create function pdfprompt_on_item_end() returns trigger language plpgsql as $$
declare
  left_open integer;
  batch pdfprompt_batch;
begin
  if new.batch_row is not null then
    update pdfprompt_batch_count c set
        open = c.open - 1,
        completed = c.completed + (new.status = 'completed')::integer,
        failed = c.failed + (new.status = 'failed')::integer,
        cancelled = c.cancelled + (new.status = 'cancelled')::integer
      where c.batch_id = new.batch_id and c.shard = new.batch_row % 16
      returning c.open into left_open;
    if left_open = 0 then
      perform pdfprompt_end_batch(new.batch_id);
    end if;
    return null;
  end if;

  -- The job that merges them.
  update pdfprompt_batch b set
      status = case when b.status = 'cancelled' then b.status else new.status end,
      error_code = case when b.status <> 'cancelled' then new.error_code end,
      error_message = case when b.status <> 'cancelled' then new.error_message end,
      upload = null, completed_at = clock_timestamp()
    where b.id = new.batch_id and b.completed_at is null returning b.* into batch;
  if found then
    perform pdfprompt_report_batch(batch);
  end if;
  return null;
end $$;
comment on function pdfprompt_on_item_end is 'Counts an item of a batch that ends, and ends the batch with its last one.';
-- After pdfprompt_job_ended by name: what the job itself asked for comes first.
create trigger pdfprompt_job_of_batch_ended after update of status on pdfprompt_job
  for each row when (new.batch_id is not null
    and old.status not in ('completed', 'failed', 'cancelled') and new.status in ('completed', 'failed', 'cancelled'))
  execute function pdfprompt_on_item_end();

-- How a batch is accepted, in one transaction: its documents, in pieces of some thousand rows (pdfprompt_add_item_parts);
-- the batch itself, within the limits (pdfprompt_open_batch), which locks the user's fair-share state; then its jobs, in
-- pieces again (pdfprompt_add_items), and those who wait are notified (pdfprompt_start_batch).

create function pdfprompt_add_item_parts(user_id uuid, items json, parts jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  each record;
begin
  for each in
    select part, (position - 1)::smallint as position, part ->> 'kind' as kind, part -> 'files' as files,
      (part ->> 'template_version')::uuid as version
    from jsonb_array_elements(parts) with ordinality as p (part, position)
  loop
    if each.version is not null then
      perform from pdfprompt_template_version v
        where v.id = each.version and v.user_id = user_id and v.deleted_at is null for key share;
      if not found then
        raise exception 'there is no such version of a template' using errcode = 'PDF06';
      end if;
    end if;
    if each.files is not null then
      perform pdfprompt_use_assets(user_id, each.files);
    end if;
    if each.position = 0 then
      insert into pdfprompt_part (job_id, position, kind, content, data, shown, settings, has_files, template_version)
        select i.id, 0, coalesce(i.kind, each.kind),
          case when i.kind is null and i.data is null then coalesce(i.content, each.part ->> 'content') else i.content end,
          case when i.kind is null and i.content is null then coalesce(i.data, each.part -> 'data') else i.data end,
          coalesce(i.shown, each.part ->> 'shown'),
          coalesce(each.part -> 'settings', '{}') || coalesce(i.settings, '{}'), each.files is not null, each.version
        from json_to_recordset(items) as i (id uuid, kind text, content text, data jsonb, shown text, settings jsonb);
    else
      insert into pdfprompt_part (job_id, position, kind, content, data, shown, settings, has_files, template_version)
        select i.id, each.position, each.kind, each.part ->> 'content', each.part -> 'data', each.part ->> 'shown',
          coalesce(each.part -> 'settings', '{}'), each.files is not null, each.version
        from json_to_recordset(items) as i (id uuid);
    end if;
    if each.files is not null then
      insert into pdfprompt_part_file (job_id, position, name, asset_id)
        select i.id, each.position, f.key, a.id
        from json_to_recordset(items) as i (id uuid), jsonb_each_text(each.files) f
          join pdfprompt_asset a on a.user_id = user_id and a.sha256 = decode(f.value, 'hex');
    end if;
  end loop;
end $$;
comment on function pdfprompt_add_item_parts is 'Writes the parts of items: what all have in common (parts, as pdfprompt_submit takes them), and of each item its id and what is its own of the first part (kind, content or data, shown, settings). Errors: PDF05, PDF06, as pdfprompt_submit says.';

create function pdfprompt_refuse_batch(
  user_id uuid,
  total integer,
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
    select b.id into known from pdfprompt_batch b where b.user_id = user_id and b.idempotency_key = idempotency_key;
    if found then
      raise exception 'the idempotency key is in use' using errcode = 'PDF02', detail = known;
    end if;
  end if;

  -- The minute counts the request, the day its items.
  perform pdfprompt_refuse_submission(user_id, null, tier, share, at);
  used := pdfprompt_use(share.recent, share.day, share.day_count, tier.requests_per_minute, at);
  if used.day_used + total > tier.requests_per_day then
    raise exception 'there are % items, and % more are allowed today', total, tier.requests_per_day - used.day_used
      using errcode = 'PDF10', detail = (to_jsonb(tier) || to_jsonb(used))::text;
  end if;
end $$;
comment on function pdfprompt_refuse_batch is 'Raises PDF01, PDF02 or PDF10, as pdfprompt_open_batch says, if so many items cannot be accepted at that time.';

create function pdfprompt_check_batch(user_id uuid, total integer, idempotency_key text) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  tier pdfprompt_tier;
  share pdfprompt_lane;
begin
  select t.* into tier
    from pdfprompt_user_subscription s join pdfprompt_tier t on t.name = s.tier
    where s.user_id = user_id and s.ended_at is null;
  if not found then
    raise exception 'there is no user % with a subscription', user_id using errcode = 'PDF03';
  end if;
  select l.* into share from pdfprompt_lane l where l.user_id = user_id;
  perform pdfprompt_refuse_batch(user_id, total, idempotency_key, tier, share, clock_timestamp());
end $$;
comment on function pdfprompt_check_batch is 'Without a lock, so that what would be refused is not written. Errors: as pdfprompt_open_batch.';

create function pdfprompt_admit_items(
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
  -- The user, locked until the commit so that they cannot be erased meanwhile, and their tier.
  select t.* into allowed
    from pdfprompt_user u
    join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
    join pdfprompt_tier t on t.name = s.tier
    where u.id = user_id and u.erased_at is null
    for key share of u;
  if not found then
    raise exception 'there is no user % with a subscription', user_id using errcode = 'PDF03';
  end if;
  tier := allowed.name;
  batch_priority := greatest(0, least(coalesce(priority, allowed.priority), allowed.priority - 1));

  -- From here to the commit no other submission of the user goes on, so limits are exact.
  insert into pdfprompt_lane (user_id, virtual_finish) values (user_id, 0) on conflict do nothing;
  select l.* into strict share from pdfprompt_lane l where l.user_id = user_id for no key update;
  accepted_at := clock_timestamp();
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
comment on function pdfprompt_admit_items is 'Counts so many items, and a request, within the limits of the user''s tier. Errors: as pdfprompt_open_batch.';

create function pdfprompt_open_batch(
  id uuid,
  user_id uuid,
  result text,
  -- items, which count towards the limit of the day
  total integer,
  skipped integer default 0,
  skipped_rows jsonb default '[]',
  filename text default null,
  metadata jsonb default '{}',
  templates text[] default null,
  -- null: one step below the tier's, which is also the highest
  priority integer default null,
  -- of the request, as pdfprompt_add_deliveries takes them
  webhook jsonb default null,
  upload jsonb default null,
  idempotency_key text default null,
  sent_hash bytea default null,
  request_id text default null,
  traceparent text default null,
  out accepted_at timestamptz,
  out batch_priority integer,
  -- the limits of the tier, and the use of them with this batch
  out requests_per_minute integer,
  out requests_per_day integer,
  out minute_used integer,
  out minute_reset double precision,
  out day_used integer,
  out day_reset double precision
) language plpgsql as $$
#variable_conflict use_variable
declare
  admitted record;
  endpoint pdfprompt_webhook;
begin
  admitted := pdfprompt_admit_items(user_id, total, priority, idempotency_key);
  insert into pdfprompt_batch (id, user_id, result, total, skipped, skipped_rows, filename, metadata, templates, tier, priority,
      virtual_start, upload, request_id, traceparent, idempotency_key, sent_hash, created_at)
    values (id, user_id, result, total, skipped, skipped_rows, filename, metadata, templates, admitted.tier,
      admitted.batch_priority, admitted.virtual_start, upload, request_id, traceparent, idempotency_key,
      case when idempotency_key is not null then coalesce(sent_hash, sha256('')) end, admitted.accepted_at);
  if webhook is not null then
    if webhook ? 'webhook' then
      select w.* into endpoint from pdfprompt_webhook w
        where w.id = (webhook ->> 'webhook')::uuid and w.user_id = user_id and w.deleted_at is null for key share;
      if not found then
        raise exception 'there is no such webhook' using errcode = 'PDF07';
      end if;
    end if;
    insert into pdfprompt_delivery (id, user_id, batch_id, kind, asked, webhook_id, url, host, status)
      values (gen_random_uuid(), user_id, id, 'webhook', true, endpoint.id, webhook ->> 'url',
        coalesce(endpoint.host, pdfprompt_host_of(webhook ->> 'url')), 'awaiting');
  end if;

  accepted_at := admitted.accepted_at;
  batch_priority := admitted.batch_priority;
  requests_per_minute := admitted.requests_per_minute;
  requests_per_day := admitted.requests_per_day;
  minute_used := admitted.minute_used;
  minute_reset := admitted.minute_reset;
  day_used := admitted.day_used;
  day_reset := admitted.day_reset;
end $$;
comment on function pdfprompt_open_batch is 'Accepts a batch within the limits of the user''s tier. Its items have to follow in the same transaction. '
  'Errors: PDF01 a limit is reached (detail: the tier and the use of its limits, as JSON); '
  'PDF10 the day does not allow so many items (detail: the same); '
  'PDF02 the idempotency key is in use (detail: the id of the batch); '
  'PDF03 there is no such user, or they are being erased; '
  'PDF07 the user has no such webhook.';

-- Seconds of the user's time line that an item takes: four times as much as a single job of that priority, because a batch
-- is bulk.
create function pdfprompt_item_cost(priority integer) returns double precision language sql immutable as $$
  select 4 / power(2, priority)
$$;

create function pdfprompt_add_items(batch_id uuid, items json, request jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  batch pdfprompt_batch;
  -- Behind every job of the last minute that is no item, whosesoever it is.
  behind constant double precision := 60;
  epoch constant double precision := extract(epoch from timestamptz '2030-01-01 00:00:00+00');
  cost double precision;
begin
  select b.* into strict batch from pdfprompt_batch b where b.id = batch_id;
  cost := pdfprompt_item_cost(batch.priority);
  insert into pdfprompt_job (id, user_id, priority, rank, request, filename, metadata, tier, request_id, traceparent,
      keeps_parts, templates, batch_id, batch_row, created_at)
    select i.id, batch.user_id, batch.priority,
      round((batch.virtual_start + i.row * cost + behind - epoch) * 10), request, i.filename, coalesce(i.metadata, '{}'),
      batch.tier, batch.request_id, batch.traceparent, true, batch.templates, batch.id, i.row, batch.created_at
    from json_to_recordset(items) as i (id uuid, row integer, filename text, metadata jsonb);
  perform pdfprompt_enqueue_all((
    select json_agg(json_build_object('id', i.id,
      'priority', -round((batch.virtual_start + i.row * cost + behind - epoch) * 10)::integer,
      'expireInSeconds', pdfprompt_claim_seconds(request)))
    from json_to_recordset(items) as i (id uuid, row integer)));
end $$;
comment on function pdfprompt_add_items is 'Writes the jobs of items, whose parts are there already, and their places in the queue: objects with id, row, filename and metadata. Error: PDF04 the queue has one already.';

create function pdfprompt_start_batch(id uuid) returns void language plpgsql as $$
#variable_conflict use_variable
begin
  insert into pdfprompt_batch_count (batch_id, shard, open)
    select id, j.batch_row % 16, count(*) from pdfprompt_job j
    where j.batch_id = id and j.batch_row is not null group by 2; -- as its index says
  perform pg_notify('pdfprompt_queued', '');
end $$;
comment on function pdfprompt_start_batch is 'Counts the items of a new batch, and notifies workers.';

do $$
declare
  f text;
begin
  -- So that a caller's search_path cannot lead to other tables of these names; and nobody else may call them.
  foreach f in array array['pdfprompt_report_batch', 'pdfprompt_close_batch', 'pdfprompt_end_batch', 'pdfprompt_on_item_end',
    'pdfprompt_add_item_parts', 'pdfprompt_refuse_batch', 'pdfprompt_check_batch', 'pdfprompt_admit_items', 'pdfprompt_open_batch',
    'pdfprompt_item_cost', 'pdfprompt_add_items', 'pdfprompt_start_batch']
  loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
    execute format('revoke execute on function %s from public', f);
  end loop;
  -- As the service's own connections have it: every statement here has an index, and a plan from a time when a table was
  -- small would read all of it.
  foreach f in array array['pdfprompt_report_batch', 'pdfprompt_end_batch', 'pdfprompt_on_item_end',
    'pdfprompt_refuse_batch', 'pdfprompt_check_batch', 'pdfprompt_admit_items', 'pdfprompt_open_batch',
    'pdfprompt_start_batch'] loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', f);
    execute format('alter function %s set enable_seqscan = off', f);
    execute format('alter function %s set enable_bitmapscan = off', f);
  end loop;
end $$;
