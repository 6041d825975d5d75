-- pdfprompt: no transaction
-- Erasing a user: in many short transactions, which somebody else goes on with if they are cut off.

alter table pdfprompt_user add column if not exists erased_at timestamptz;
comment on column pdfprompt_user.erased_at is 'Since when the user is being erased: without an email and a key, and soon gone with all that is theirs.';

create index concurrently if not exists pdfprompt_user_erased on pdfprompt_user (erased_at) where erased_at is not null;

create table if not exists pdfprompt_usage_erased (
  day date primary key,
  completed bigint not null check (completed >= 0),
  pages bigint not null check (pages >= 0),
  bytes bigint not null check (bytes >= 0)
);
comment on table pdfprompt_usage_erased is 'What users were charged for that are erased by now, by UTC day: sums over all of them.';

create table if not exists pdfprompt_file_left (
  id uuid primary key,
  store text not null,
  left_at timestamptz not null default now()
);
comment on table pdfprompt_file_left is 'PDFs of erased users whose bytes could not be reached by whoever erased them: the next worker that can removes them.';
