-- Who runs what: workers, and every attempt at a job.

create table pdfprompt_worker (
  id uuid primary key,
  number integer not null generated always as identity,
  host text not null,
  pid integer not null,
  concurrency integer not null check (concurrency > 0),
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  ended_at timestamptz check (ended_at >= started_at),
  is_lost boolean not null default false,
  constraint pdfprompt_worker_number_key unique (number),
  constraint pdfprompt_worker_lost check (not is_lost or ended_at is not null)
);
comment on table pdfprompt_worker is 'Every worker process there was. A living one holds an advisory lock on its number and is seen every other second.';
create index pdfprompt_worker_living on pdfprompt_worker (seen_at) where ended_at is null;

alter table pdfprompt_job
  add column runs integer not null default 0 check (runs >= 0),
  add column losses integer not null default 0 check (losses >= 0),
  add column worker_id uuid references pdfprompt_worker (id) on delete set null;
comment on column pdfprompt_job.runs is 'How often the job was claimed. Each claim is fenced by its number: only the newest may write.';
comment on column pdfprompt_job.attempts is 'Runs that count: not the interrupted ones, not those whose worker was lost.';
comment on column pdfprompt_job.losses is 'Runs whose worker was lost.';
create index pdfprompt_job_worker on pdfprompt_job (worker_id) where status = 'processing';

alter table pdfprompt_job drop constraint pdfprompt_job_started;
alter table pdfprompt_job add constraint pdfprompt_job_started check (status <> 'processing' or (started_at is not null and runs > 0));

create table pdfprompt_job_attempt (
  job_id uuid not null references pdfprompt_job (id) on delete cascade,
  run integer not null check (run > 0),
  worker_id uuid references pdfprompt_worker (id) on delete set null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  outcome text check (outcome in ('done', 'reject', 'retry', 'interrupted', 'lost', 'cancelled')),
  reason text,
  primary key (job_id, run),
  constraint pdfprompt_job_attempt_ended check ((ended_at is null) = (outcome is null))
);
comment on table pdfprompt_job_attempt is 'Every run of a job: by whom, from when to when, what became of it and why.';
create index pdfprompt_job_attempt_worker on pdfprompt_job_attempt (worker_id);

update pdfprompt_job set runs = attempts;
