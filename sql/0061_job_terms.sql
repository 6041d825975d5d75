-- What jobs are looked for by: the filename, each entry of the metadata, each version of a template. Written when a job is
-- accepted and never changed, so that what becomes of a job costs nothing more.

create table pdfprompt_job_term (
  user_id uuid not null,
  name text collate "C" not null,
  value text collate "C" not null,
  job_id uuid not null,
  constraint pdfprompt_job_term_pkey primary key (name, value, job_id)
);
comment on table pdfprompt_job_term is 'By what a job is looked for. No foreign keys: triggers write and delete the rows with those of pdfprompt_job.';
comment on column pdfprompt_job_term.name is 'filename, template, or metadata. and a key';
comment on column pdfprompt_job_term.value is 'Its first 200 characters';
create index pdfprompt_job_term_user on pdfprompt_job_term (user_id, name, value, job_id);

alter table pdfprompt_job_term enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_job_term using (true);
create policy pdfprompt_one_tenant on pdfprompt_job_term as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);
grant select on pdfprompt_job_term to pdfprompt_tenant;

-- Jobs that were there before: those with a smaller id still need their terms. No row: none does.
create table pdfprompt_job_term_gap (before uuid not null);
comment on table pdfprompt_job_term_gap is 'Jobs with a smaller id were accepted before there was pdfprompt_job_term, and are not in it yet.';
insert into pdfprompt_job_term_gap select 'ffffffff-ffff-ffff-ffff-ffffffffffff' where exists (select from pdfprompt_job);

create table pdfprompt_job_term_due (
  batch_id uuid primary key,
  batch_row integer not null default -1
);
comment on table pdfprompt_job_term_due is 'Batches whose items are not all in pdfprompt_job_term yet. No foreign key: a row goes as soon as its items are, or with its batch.';
comment on column pdfprompt_job_term_due.batch_row is 'The last item that is';

create function pdfprompt_terms_of(filename text, templates text[], metadata jsonb) returns table (name text, value text)
language sql immutable as $$
  select 'filename', left(filename, 200) where filename is not null
  union all select 'template', left(t, 200) from unnest(templates) as t
  union all select 'metadata.' || m.key, left(m.value, 200) from jsonb_each_text(metadata) as m where m.value is not null
$$;
comment on function pdfprompt_terms_of is 'The terms of a job with these columns.';

create function pdfprompt_on_job_added() returns trigger language plpgsql security definer as $$
begin
  insert into pdfprompt_job_term (user_id, name, value, job_id)
    select new.user_id, own.name, own.value, new.id from pdfprompt_terms_of(new.filename, new.templates, new.metadata) as own
    on conflict do nothing; -- two parts of one template
  return null;
end $$;
comment on function pdfprompt_on_job_added is 'Writes the terms of a new job.';

-- A batch has up to a hundred thousand items, whose terms would make it a third slower to accept: they are written just after.
create function pdfprompt_on_batch_opened() returns trigger language plpgsql security definer as $$
begin
  insert into pdfprompt_job_term_due (batch_id) values (new.id) on conflict (batch_id) do update set batch_row = -1;
  return null;
end $$;
comment on function pdfprompt_on_batch_opened is 'Notes that the terms of the items of a batch are to be written.';

create function pdfprompt_on_batch_deleted() returns trigger language plpgsql security definer as $$
begin
  delete from pdfprompt_job_term_due d where d.batch_id = old.id;
  return null;
end $$;
comment on function pdfprompt_on_batch_deleted is 'Forgets that the terms of the items of a batch are to be written.';

create function pdfprompt_on_jobs_deleted() returns trigger language plpgsql security definer as $$
begin
  delete from pdfprompt_job_term t using deleted j, pdfprompt_terms_of(j.filename, j.templates, j.metadata) as own
    where t.name = own.name and t.value = own.value and t.job_id = j.id;
  return null;
end $$;
comment on function pdfprompt_on_jobs_deleted is 'Deletes the terms of jobs that are deleted.';

-- A request that was submitted in SQL is read by a worker, which writes what is in it.
create function pdfprompt_on_job_read() returns trigger language plpgsql security definer as $$
begin
  delete from pdfprompt_job_term t using pdfprompt_terms_of(old.filename, old.templates, old.metadata) as own
    where t.name = own.name and t.value = own.value and t.job_id = old.id;
  insert into pdfprompt_job_term (user_id, name, value, job_id)
    select new.user_id, own.name, own.value, new.id from pdfprompt_terms_of(new.filename, new.templates, new.metadata) as own
    on conflict do nothing;
  return null;
end $$;
comment on function pdfprompt_on_job_read is 'Writes the terms of a job whose filename, metadata or templates have changed.';

create function pdfprompt_add_item_terms(most integer) returns integer language plpgsql as $$
declare
  due pdfprompt_job_term_due;
  last integer;
  count integer;
begin
  select d.* into due from pdfprompt_job_term_due d order by d.batch_id limit 1 for update skip locked;
  if not found then
    return 0;
  end if;
  with page as materialized (
    select j.id, j.user_id, j.filename, j.templates, j.metadata, j.batch_row from pdfprompt_job j
    where j.batch_id = due.batch_id and j.batch_row is not null and j.batch_row > due.batch_row order by j.batch_row limit most
    for key share nowait -- one that is deleted meanwhile would leave its terms
  ), added as (
    insert into pdfprompt_job_term (user_id, name, value, job_id)
    select j.user_id, own.name, own.value, j.id from page j, pdfprompt_terms_of(j.filename, j.templates, j.metadata) as own
    on conflict do nothing
  )
  select max(page.batch_row), count(*) into last, count from page;
  if count < most then
    delete from pdfprompt_job_term_due d where d.batch_id = due.batch_id;
  else
    update pdfprompt_job_term_due d set batch_row = last where d.batch_id = due.batch_id;
  end if;
  return greatest(count, 1);
exception when lock_not_available then
  return 0; -- next time
end $$;
comment on function pdfprompt_add_item_terms is 'Writes the terms of so many items of a batch. Returns how many it looked at, at least 1; 0: there is nothing to do, or other processes are at it, or at the jobs.';

create function pdfprompt_fill_terms(most integer) returns integer language plpgsql as $$
declare
  upper uuid;
  lower uuid;
  count integer;
begin
  select before into upper from pdfprompt_job_term_gap for update skip locked;
  if not found then
    return 0;
  end if;
  with page as materialized (
    select j.id, j.user_id, j.filename, j.templates, j.metadata from pdfprompt_job j where j.id < upper order by j.id desc limit most for key share nowait
  ), filled as (
    insert into pdfprompt_job_term (user_id, name, value, job_id)
    select j.user_id, own.name, own.value, j.id from page j, pdfprompt_terms_of(j.filename, j.templates, j.metadata) as own
    on conflict do nothing
  )
  select (array_agg(id order by id))[1], count(*) into lower, count from page;
  if count < most then
    delete from pdfprompt_job_term_gap;
  else
    update pdfprompt_job_term_gap set before = lower;
  end if;
  return count;
exception when lock_not_available then
  return 0; -- next time
end $$;
comment on function pdfprompt_fill_terms is 'Writes the terms of so many jobs that were there before pdfprompt_job_term, the newest first. Returns how many it looked at; 0: that was all, or another process is at it.';

do $$
declare
  own text;
begin
  foreach own in array '{pdfprompt_terms_of,pdfprompt_on_job_added,pdfprompt_on_batch_opened,pdfprompt_on_batch_deleted,pdfprompt_add_item_terms,pdfprompt_on_jobs_deleted,pdfprompt_on_job_read,pdfprompt_fill_terms}'::text[] loop
    execute format('revoke execute on function %s from public', own);
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', own, current_schema());
  end loop;
  -- As the service's own connections have it, and without joins that would read all terms: every row has its key.
  foreach own in array '{pdfprompt_on_jobs_deleted,pdfprompt_on_job_read,pdfprompt_fill_terms,pdfprompt_add_item_terms}'::text[] loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', own);
    execute format('alter function %s set enable_seqscan = off', own);
    execute format('alter function %s set enable_bitmapscan = off', own);
    execute format('alter function %s set enable_hashjoin = off', own);
    execute format('alter function %s set enable_mergejoin = off', own);
  end loop;
end $$;

create trigger pdfprompt_job_added after insert on pdfprompt_job
  for each row when (new.batch_row is null and (new.filename is not null or new.templates is not null or new.metadata <> '{}'))
  execute function pdfprompt_on_job_added();
create trigger pdfprompt_batch_opened after insert on pdfprompt_batch for each row execute function pdfprompt_on_batch_opened();
-- Items that are printed again are new jobs.
create trigger pdfprompt_batch_opened_again after update of status on pdfprompt_batch
  for each row when (old.status <> 'processing' and new.status = 'processing') execute function pdfprompt_on_batch_opened();
create trigger pdfprompt_batch_deleted after delete on pdfprompt_batch for each row execute function pdfprompt_on_batch_deleted();
create trigger pdfprompt_jobs_deleted after delete on pdfprompt_job
  referencing old table as deleted for each statement execute function pdfprompt_on_jobs_deleted();
create trigger pdfprompt_job_read after update of filename, templates, metadata on pdfprompt_job
  for each row when (old.filename is distinct from new.filename or old.templates is distinct from new.templates
    or old.metadata is distinct from new.metadata)
  execute function pdfprompt_on_job_read();
