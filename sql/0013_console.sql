-- pdfprompt: no transaction
-- The console: who is signed in to it, and what it reads of everybody's jobs at a glance.

create table if not exists pdfprompt_console_session (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  key_id uuid not null references pdfprompt_api_key (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null check (expires_at > created_at)
);

comment on table pdfprompt_console_session is 'Who is signed in to the console: the SHA-256 of the cookie, and the key, which has to be valid still at each request.';

create index concurrently if not exists pdfprompt_console_session_key on pdfprompt_console_session (key_id);

create index concurrently if not exists pdfprompt_console_session_expiry on pdfprompt_console_session (expires_at);

-- In place of the one by priority alone: how many wait, by tier too, and since when.
create index concurrently if not exists pdfprompt_job_queued_overview on pdfprompt_job (priority, tier, created_at) where is_queued;

drop index concurrently if exists pdfprompt_job_queued_priority;

-- What did not become a PDF, newest first: few among many.
create index concurrently if not exists pdfprompt_job_unsuccessful on pdfprompt_job (status, id desc) where status in ('failed', 'cancelled');

-- What did not become a PDF can be asked for again as long as its document is kept.
create index concurrently if not exists pdfprompt_job_kept_document on pdfprompt_job (completed_at) where html is not null and completed_at is not null;

comment on column pdfprompt_job.html is 'The document, the largest and the most private part; dropped when there is a PDF, otherwise when one would have expired.';
