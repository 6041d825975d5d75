-- Tenants and tiers whose jobs are not printed for the time being, and what operators do to many jobs at once.

-- First, as what follows begins with weaker locks.
lock table pdfprompt_job in access exclusive mode;

alter table pdfprompt_job add column paused_at timestamptz;
comment on column pdfprompt_job.paused_at is 'Of a queued job: since when it has no place in the queue, because its tenant or tier is paused. Whether it is paused is what pdfprompt_pause says.';

create table pdfprompt_pause (
  target text primary key check (target = 'all' or target ~ '^tier:.' or target ~ '^user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
  user_id uuid generated always as (case when target like 'user:%' then substr(target, 6)::uuid end) stored
    references pdfprompt_user (id) on delete cascade,
  reason text not null check (length(reason) between 1 and 500),
  paused_at timestamptz not null default now()
);
comment on table pdfprompt_pause is 'Whose jobs are not printed: all, tier:NAME or user:ID. Without a row everybody''s are.';
create index pdfprompt_pause_user on pdfprompt_pause (user_id);

-- A tenant sees what concerns them, without the reason.
grant select (target, user_id) on pdfprompt_pause to pdfprompt_tenant;
alter table pdfprompt_pause enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_pause using (true);
create policy pdfprompt_one_tenant on pdfprompt_pause as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id is null
    or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

-- Jobs that are paused are ahead of nobody.
create or replace function pdfprompt_queue_position(rank integer, id uuid) returns integer
  language sql stable parallel safe security definer as $$
    select count(*)::integer + 1 from (
      select 1 from pdfprompt_job as ahead
      where ahead.is_queued and ahead.paused_at is null
        and (ahead.rank, ahead.id) < (pdfprompt_queue_position.rank, pdfprompt_queue_position.id)
      limit 99
    ) as ahead
  $$;
do $$
begin
  -- Replacing a function forgets its settings.
  execute format('alter function pdfprompt_queue_position set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;

create table pdfprompt_bulk_action (
  id uuid primary key,
  action text not null check (action in ('cancel', 'retry', 'replay')),
  filter jsonb not null check (jsonb_typeof(filter) = 'object'),
  status text not null default 'running' check (status in ('running', 'completed', 'stopped')),
  -- as counted before it began; is_more: there were more
  expected integer not null check (expected >= 0),
  is_more boolean not null default false,
  -- how far it is: the cursor of the next page
  cursor text,
  looked_at integer not null default 0,
  results jsonb not null default '{}' check (jsonb_typeof(results) = 'object'),
  -- who asked for it; the log of what operators do says more
  started_by text,
  request_id text,
  holder uuid,
  held_until timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  check ((status = 'running') = (ended_at is null))
);
comment on table pdfprompt_bulk_action is 'What operators do to all jobs of a filter. One process at a time goes on with each, piece by piece.';
comment on column pdfprompt_bulk_action.results is 'How many jobs ended in which way.';
comment on column pdfprompt_bulk_action.held_until is 'After that another process goes on: the holder renews it with each piece.';
create index pdfprompt_bulk_action_running on pdfprompt_bulk_action (id) where status = 'running';
