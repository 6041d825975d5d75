-- Fairness between tenants: every job gets a virtual deadline, and the queue serves the earliest.

create table pdfprompt_lane (
  user_id uuid primary key references pdfprompt_user (id) on delete cascade,
  virtual_finish double precision not null
);
comment on table pdfprompt_lane is 'Up to when, in virtual time (seconds since 1970), each tenant''s queued jobs reach.';

alter table pdfprompt_job add column rank integer not null default 0;
comment on column pdfprompt_job.rank is 'The virtual deadline in tenths of a second since 2030; the smallest is next. The queue holds its negative as priority.';

-- A column of its own, so that the planner cannot take the index of (status, created_at) for what only
-- these two answer without reading the whole queue: before the first ANALYZE it does not know better.
alter table pdfprompt_job add column is_queued boolean not null generated always as (status = 'queued') stored;
create index pdfprompt_job_queued_rank on pdfprompt_job (rank, id) where is_queued;
create index pdfprompt_job_queued_user on pdfprompt_job (user_id) where is_queued;
