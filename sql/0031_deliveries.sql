-- What is sent when a job has ended: webhooks, and uploads of its file. The transaction that ends the job makes these rows,
-- by a trigger. So it does not matter who ends it: a worker of this or the last release, the API, or an application.

-- First, as what follows begins with weaker locks.
lock table pdfprompt_user, pdfprompt_job in access exclusive mode;

create function pdfprompt_host_of(url text) returns text language sql immutable strict parallel safe as $$
  select left(lower(regexp_replace(url, '^[^:]*:/*([^/?#@]*@)?([^/?#]*).*$', '\2')), 255)
$$;
comment on function pdfprompt_host_of is 'The host and port of a URL, to tell receivers apart. What may be connected to is decided by the URL itself.';

create table pdfprompt_webhook (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  url text not null,
  host text generated always as (pdfprompt_host_of(url)) stored,
  description text,
  events text[] not null,
  version smallint not null default 1,
  secret text not null,
  previous_secret text,
  previous_secret_until timestamptz,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  failing_since timestamptz,
  off_since timestamptz,
  off_reason text check (off_reason in ('gone', 'failing', 'asked')),
  deleted_at timestamptz,
  check ((off_since is null) = (off_reason is null))
);
comment on table pdfprompt_webhook is 'Endpoints of users that receive events of their jobs.';
comment on column pdfprompt_webhook.events is 'The events of all jobs that it receives. Jobs that name it send it theirs in any case.';
comment on column pdfprompt_webhook.version is 'Of the payload';
comment on column pdfprompt_webhook.previous_secret is 'Signs beside the new one until previous_secret_until';
comment on column pdfprompt_webhook.delivered_at is 'Of the last success';
comment on column pdfprompt_webhook.failing_since is 'Of the first failure since the last success';
comment on column pdfprompt_webhook.off_reason is 'gone: it answered 410; failing: for too long; asked: by the user. Its deliveries fail at once and can be replayed.';
comment on column pdfprompt_webhook.deleted_at is 'The row stays while deliveries refer to it.';
create index pdfprompt_webhook_user on pdfprompt_webhook (user_id);
create index pdfprompt_webhook_live on pdfprompt_webhook (user_id) where deleted_at is null;
create index pdfprompt_webhook_deleted on pdfprompt_webhook (deleted_at) where deleted_at is not null;

create table pdfprompt_webhook_secret (
  user_id uuid primary key references pdfprompt_user (id) on delete cascade,
  secret text not null,
  previous_secret text,
  previous_secret_until timestamptz
);
comment on table pdfprompt_webhook_secret is 'The secret of a user that signs webhooks to URLs that jobs name.';

create table pdfprompt_delivery (
  id uuid primary key,
  user_id uuid not null,
  job_id uuid references pdfprompt_job (id) on delete cascade,
  kind text not null check (kind in ('webhook', 'upload')),
  asked boolean not null default false,
  webhook_id uuid references pdfprompt_webhook (id) on delete cascade,
  url text,
  headers jsonb,
  host text not null,
  event text,
  status text not null check (status in ('awaiting', 'ready', 'sending', 'waiting', 'delivered', 'failed', 'cancelled')),
  attempts smallint not null default 0,
  round smallint not null default 0,
  created_at timestamptz not null default now(),
  ready_at timestamptz,
  due_at timestamptz,
  claimed_until timestamptz,
  ended_at timestamptz,
  check ((webhook_id is null) = (url is not null))
);
comment on table pdfprompt_delivery is 'What is sent when a job has ended. States: awaiting the end of the job, ready, sending, waiting for the next attempt, and at last delivered, failed or cancelled (docs/webhooks.md).';
comment on column pdfprompt_delivery.job_id is 'Empty: a test of the endpoint';
comment on column pdfprompt_delivery.asked is 'Whether the request of the job asked for it; otherwise the endpoint receives events of all jobs.';
comment on column pdfprompt_delivery.url is 'Of an upload, or of a webhook that is no registered endpoint';
comment on column pdfprompt_delivery.headers is 'Of an upload, beside those of the file';
comment on column pdfprompt_delivery.host is 'Of its URL: receivers have a limit each.';
comment on column pdfprompt_delivery.event is 'Such as job.completed; empty while the job has not ended.';
comment on column pdfprompt_delivery.attempts is 'In pdfprompt_delivery_attempt';
comment on column pdfprompt_delivery.round is 'Attempts since it was made, or replayed: the next pause follows from it.';
comment on column pdfprompt_delivery.ready_at is 'Since when it may be sent';
comment on column pdfprompt_delivery.due_at is 'Of the next attempt, while it waits';
comment on column pdfprompt_delivery.claimed_until is 'While it is sent. Afterwards its worker is taken for lost, and it is sent again.';
create index pdfprompt_delivery_job on pdfprompt_delivery (job_id);
create index pdfprompt_delivery_webhook on pdfprompt_delivery (webhook_id, created_at, id) where webhook_id is not null;
-- An index for each kind, as each has slots of its own: neither is looked for among rows of the other.
create index pdfprompt_delivery_ready on pdfprompt_delivery (user_id, host, ready_at) where status = 'ready' and kind = 'webhook';
create index pdfprompt_delivery_ready_upload on pdfprompt_delivery (user_id, host, ready_at) where status = 'ready' and kind = 'upload';
create index pdfprompt_delivery_pending on pdfprompt_delivery (webhook_id) where status in ('ready', 'waiting') and webhook_id is not null;
create index pdfprompt_delivery_waiting on pdfprompt_delivery (due_at) where status = 'waiting';
create index pdfprompt_delivery_sending on pdfprompt_delivery (claimed_until) where status = 'sending';
create index pdfprompt_delivery_secret on pdfprompt_delivery (created_at)
  where kind = 'upload' and (headers is not null or position('?' in url) > 0);
create index pdfprompt_delivery_test on pdfprompt_delivery (created_at) where job_id is null;
alter table pdfprompt_delivery set (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500
);

create table pdfprompt_delivery_attempt (
  delivery_id uuid not null references pdfprompt_delivery (id) on delete cascade,
  number smallint not null,
  at timestamptz not null,
  ms integer not null,
  status smallint,
  error text,
  answer text,
  primary key (delivery_id, number)
);
comment on table pdfprompt_delivery_attempt is 'Every attempt to send a delivery, with what the receiver answered.';
comment on column pdfprompt_delivery_attempt.status is 'Of the HTTP answer; empty if there was none.';
comment on column pdfprompt_delivery_attempt.error is 'Why it is no success';
comment on column pdfprompt_delivery_attempt.answer is 'The first kilobyte of the body: the owner sees it, and operators';
alter table pdfprompt_delivery_attempt set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- The request's own deliveries, made with its job.
create function pdfprompt_add_deliveries(job_id uuid, user_id uuid, wanted jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  each record;
  endpoint pdfprompt_webhook;
begin
  for each in select * from jsonb_to_recordset(wanted) as w (kind text, url text, webhook uuid, headers jsonb) loop
    if each.webhook is not null then
      select w.* into endpoint from pdfprompt_webhook w
        where w.id = each.webhook and w.user_id = user_id and w.deleted_at is null for key share;
      if not found then
        raise exception 'there is no such webhook' using errcode = 'PDF07';
      end if;
    end if;
    insert into pdfprompt_delivery (id, user_id, job_id, kind, asked, webhook_id, url, headers, host, status)
      values (gen_random_uuid(), user_id, job_id, each.kind, true, each.webhook, each.url, each.headers,
        case when each.webhook is null then pdfprompt_host_of(each.url) else endpoint.host end, 'awaiting');
  end loop;
end $$;
comment on function pdfprompt_add_deliveries is 'Writes what a request asks to be sent at the end of its job: an array of objects with kind, and url or webhook (an id), and headers. Error: PDF07 the user has no such webhook.';

create function pdfprompt_on_job_end() returns trigger language plpgsql as $$
declare
  ended_as constant text := 'job.' || new.status;
  is_any_ready boolean;
begin
  with asked as (
    update pdfprompt_delivery d set
      event = ended_as,
      status = case
        when d.kind = 'upload' and new.status <> 'completed' then 'cancelled'
        when w.off_since is not null or w.deleted_at is not null then 'failed'
        else 'ready' end,
      host = coalesce(w.host, d.host),
      ready_at = clock_timestamp(),
      ended_at = case when d.kind = 'upload' and new.status <> 'completed' or w.off_since is not null or w.deleted_at is not null
        then clock_timestamp() end
    from pdfprompt_delivery own left join pdfprompt_webhook w on w.id = own.webhook_id
    where own.job_id = new.id and own.status = 'awaiting' and d.id = own.id
    returning d.status
  ), subscribed as (
    insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, host, event, status, ready_at, ended_at)
    select gen_random_uuid(), new.user_id, new.id, 'webhook', w.id, w.host, ended_as,
      case when w.off_since is null then 'ready' else 'failed' end, clock_timestamp(),
      case when w.off_since is not null then clock_timestamp() end
    from pdfprompt_webhook w
    where w.user_id = new.user_id and w.deleted_at is null and ended_as = any (w.events)
      and not exists (select from pdfprompt_delivery d where d.job_id = new.id and d.webhook_id = w.id)
    returning status
  )
  select bool_or(made.status = 'ready') into is_any_ready
    from (select status from asked union all select status from subscribed) as made;
  if is_any_ready then
    perform pg_notify('pdfprompt_deliveries', '');
  end if;
  perform pg_notify('pdfprompt_jobs', json_build_object('id', new.id, 'user', new.user_id, 'status', new.status)::text);
  return null;
end $$;
comment on function pdfprompt_on_job_end is 'Makes the deliveries of a job that ends, in the same transaction, and notifies those who wait for it.';
create trigger pdfprompt_job_ended after update of status on pdfprompt_job
  for each row when (old.status in ('queued', 'processing') and new.status in ('completed', 'failed', 'cancelled'))
  execute function pdfprompt_on_job_end();

do $$
begin
  execute format('alter function pdfprompt_add_deliveries set search_path = pg_catalog, %I, pg_temp', current_schema());
  execute format('alter function pdfprompt_on_job_end set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
-- As the service's own connections have it: every statement here has an index, and a plan from a time when a table was
-- small would read all of it.
alter function pdfprompt_on_job_end set plan_cache_mode = force_generic_plan;
alter function pdfprompt_on_job_end set enable_seqscan = off;
alter function pdfprompt_on_job_end set enable_bitmapscan = off;

-- Each tenant sees its own rows (sql/0009_tenant_wall.sql), and nobody's secrets.
grant select (id, user_id, url, host, description, events, version, created_at, delivered_at, failing_since, off_since,
  off_reason, deleted_at, previous_secret_until) on pdfprompt_webhook to pdfprompt_tenant;
grant select on pdfprompt_delivery, pdfprompt_delivery_attempt to pdfprompt_tenant;

alter table pdfprompt_webhook enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_webhook using (true);
create policy pdfprompt_one_tenant on pdfprompt_webhook as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_delivery enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_delivery using (true);
create policy pdfprompt_one_tenant on pdfprompt_delivery as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_delivery_attempt enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_delivery_attempt using (true);
-- Not EXISTS, which the planner may answer by reading all of the tenant's deliveries.
create policy pdfprompt_one_tenant on pdfprompt_delivery_attempt as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select d.user_id from pdfprompt_delivery d where d.id = delivery_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);
