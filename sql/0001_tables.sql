-- Every table of pdfprompt. Ids are UUIDv7, made by the application. Times are in UTC.
-- Migrations are forward-only and plain: `psql -f` runs them too.

create table pdfprompt_tier (
  name text primary key check (name ~ '^[a-z][a-z0-9_-]{0,31}$'),
  requests_per_minute integer check (requests_per_minute > 0),
  requests_per_day integer check (requests_per_day > 0),
  priority smallint not null check (priority between 0 and 3),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table pdfprompt_tier is 'Plans and their limits; null limits mean none. Operators may change and add rows.';

insert into pdfprompt_tier (name, requests_per_minute, requests_per_day, priority) values
  ('starter', 2, 100, 0),
  ('professional', 10, 1000, 1),
  ('enterprise', 50, 10000, 2),
  ('system', null, null, 3);

create table pdfprompt_user (
  id uuid primary key,
  email text not null check (email = lower(email) and length(email) between 3 and 320 and position('@' in email) > 1),
  created_at timestamptz not null default now(),
  constraint pdfprompt_user_email_key unique (email)
);
comment on table pdfprompt_user is 'A tenant: whoever owns keys, jobs and PDFs.';

create table pdfprompt_user_subscription (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  tier text not null references pdfprompt_tier (name),
  started_at timestamptz not null default now(),
  ended_at timestamptz check (ended_at >= started_at)
);
comment on table pdfprompt_user_subscription is 'Which plan a user was on and when; the row without an end is in force.';
create unique index pdfprompt_user_subscription_current on pdfprompt_user_subscription (user_id) where ended_at is null;

create table pdfprompt_api_key (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  prefix text not null check (length(prefix) between 4 and 16),
  hash bytea not null check (octet_length(hash) = 32),
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz,
  constraint pdfprompt_api_key_hash_key unique (hash)
);
comment on table pdfprompt_api_key is 'Bearer keys: only the SHA-256 is kept, and a prefix to know them by.';
create index pdfprompt_api_key_user on pdfprompt_api_key (user_id);

create table pdfprompt_job (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  status text not null default 'queued' check (status in ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  priority smallint not null check (priority between 0 and 3),
  attempts integer not null default 0 check (attempts >= 0),
  request jsonb not null check (jsonb_typeof(request) = 'object'),
  html text,
  url text,
  filename text,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  idempotency_hash bytea check (octet_length(idempotency_hash) = 32),
  error_code text,
  error_message text,
  timings jsonb,
  failed_resources jsonb not null default '[]' check (jsonb_typeof(failed_resources) = 'array'),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  constraint pdfprompt_job_one_source check (num_nonnulls(html, url) = 1 or (status in ('completed', 'failed', 'cancelled') and url is null)),
  constraint pdfprompt_job_started check (status <> 'processing' or (started_at is not null and attempts > 0)),
  constraint pdfprompt_job_ended check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  constraint pdfprompt_job_error check ((status = 'failed') = (error_code is not null)),
  constraint pdfprompt_job_idempotency check ((idempotency_key is null) = (idempotency_hash is null))
);
comment on table pdfprompt_job is 'One request for a PDF and what became of it. The queue itself is in the schema pgboss, under the same ids.';
comment on column pdfprompt_job.request is 'The checked request with every default, without html, filename and metadata.';
comment on column pdfprompt_job.html is 'The document; dropped when the job has ended, for it is the largest and the most private part.';
create unique index pdfprompt_job_idempotency_key on pdfprompt_job (user_id, idempotency_key) where idempotency_key is not null;
create index pdfprompt_job_user on pdfprompt_job (user_id, id desc);

create table pdfprompt_file (
  id uuid primary key,
  job_id uuid not null references pdfprompt_job (id) on delete cascade,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  store text not null check (store in ('postgres', 'file')),
  size bigint not null check (size > 0),
  pages integer not null check (pages > 0),
  sha256 bytea not null check (octet_length(sha256) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  expired_at timestamptz,
  constraint pdfprompt_file_job_key unique (job_id)
);
comment on table pdfprompt_file is 'The PDF of a completed job: one for a job, however often it ran. With expired_at the bytes are gone.';
create index pdfprompt_file_user on pdfprompt_file (user_id);
create index pdfprompt_file_expiry on pdfprompt_file (expires_at) where expired_at is null;

create table pdfprompt_file_chunk (
  file_id uuid not null references pdfprompt_file (id) on delete cascade,
  seq integer not null check (seq >= 0),
  bytes bytea not null check (octet_length(bytes) > 0),
  primary key (file_id, seq)
);
comment on table pdfprompt_file_chunk is 'The bytes of PDFs kept in Postgres, in pieces so that they can be streamed.';
alter table pdfprompt_file_chunk alter column bytes set storage external;

create table pdfprompt_usage_history (
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  day date not null,
  completed integer not null default 0 check (completed >= 0),
  pages bigint not null default 0 check (pages >= 0),
  bytes bigint not null default 0 check (bytes >= 0),
  created_at timestamptz not null default now(),
  primary key (user_id, day)
);
comment on table pdfprompt_usage_history is 'What a user was charged for, by UTC day: completed jobs only.';
