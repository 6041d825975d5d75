-- pdfprompt: no transaction
-- A job may have several files, and a file is in the store that its row names, of any kind.

alter table pdfprompt_file
  add column if not exists position smallint not null default 0,
  add column if not exists location text,
  drop constraint if exists pdfprompt_file_store_check;
comment on table pdfprompt_file is 'The PDFs of a completed job, each one once, however often it ran. With expired_at the bytes are gone.';
comment on column pdfprompt_file.position is 'Its place among the files of its job, from 0';
comment on column pdfprompt_file.store is 'The kind of store that its bytes are in; the program knows the kinds.';
comment on column pdfprompt_file.location is 'Which store of that kind, as PDF_STORE says it; empty for Postgres, and for what the last release wrote.';

create unique index concurrently if not exists pdfprompt_file_job_position on pdfprompt_file (job_id, position);
alter table pdfprompt_file drop constraint if exists pdfprompt_file_job_key;

-- What the last release wrote has no location: it knows one directory, the one of its PDF_STORE.
create index concurrently if not exists pdfprompt_file_without_location on pdfprompt_file (id)
  where location is null and store <> 'postgres' and expired_at is null;

create table if not exists pdfprompt_unowned_file (
  id uuid primary key,
  store text not null,
  location text,
  job_id uuid,
  run integer,
  since timestamptz not null default now(),
  remove_after timestamptz not null default now(),
  constraint pdfprompt_unowned_file_run check ((job_id is null) = (run is null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on table pdfprompt_unowned_file is 'Bytes outside the database that no file''s row names: not yet, because they are being put there, or no longer.';
comment on column pdfprompt_unowned_file.job_id is 'The job whose run may still name them; empty: nobody will, they are to be removed.';
create index if not exists pdfprompt_unowned_file_put on pdfprompt_unowned_file (job_id) where job_id is not null;
create index if not exists pdfprompt_unowned_file_due on pdfprompt_unowned_file (remove_after) where job_id is null;

-- When a file expires or is deleted, with its job or its user, by the last release or by hand: its bytes are on the list
-- of what is to be removed, by the same commit.
create or replace function pdfprompt_disown_file() returns trigger language plpgsql as $$ begin
  insert into pdfprompt_unowned_file (id, store, location) values (old.id, old.store, old.location)
    on conflict do nothing; return null;  -- in one line: a semicolon at the end of one ends the statement
end $$;
drop trigger if exists pdfprompt_file_deleted on pdfprompt_file;
create trigger pdfprompt_file_deleted after delete on pdfprompt_file
  for each row when (old.store <> 'postgres' and old.expired_at is null) execute function pdfprompt_disown_file();
drop trigger if exists pdfprompt_file_expired on pdfprompt_file;
create trigger pdfprompt_file_expired after update of expired_at on pdfprompt_file
  for each row when (old.store <> 'postgres' and old.expired_at is null and new.expired_at is not null)
  execute function pdfprompt_disown_file();
