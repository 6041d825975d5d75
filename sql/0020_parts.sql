-- A job's documents are rows of their own, its parts: each a source of a kind, and how it is printed. What stores,
-- claims or erases them does not depend on the kind.

-- First, as what follows begins with a weaker lock: a transaction that had read the table, and then writes, would be in
-- a deadlock.
lock table pdfprompt_worker, pdfprompt_job in access exclusive mode;

create table pdfprompt_part (
  -- Deferred, so that a document can be written before its job.
  job_id uuid not null references pdfprompt_job (id) on delete cascade deferrable initially deferred,
  position smallint not null check (position >= 0),
  kind text not null,
  content text,
  data jsonb,
  shown text,
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  primary key (job_id, position),
  constraint pdfprompt_part_one_value check (num_nonnulls(content, data) <= 1)
);
comment on table pdfprompt_part is 'What a job prints, in order: each part has a source and print settings of its own. Jobs of the last release have none: theirs is in the columns html and url.';
comment on column pdfprompt_part.kind is 'Of the source: html, url.';
comment on column pdfprompt_part.content is 'The source''s value if it is a string: the document, or where it is. Erased when there is a PDF, otherwise when one would have expired.';
comment on column pdfprompt_part.data is 'The source''s value if it is none; erased with content.';
comment on column pdfprompt_part.shown is 'What may be shown of the source after that: a URL without its query. Erased when the PDF expires or would have.';
comment on column pdfprompt_part.settings is 'The part''s own print settings, over those in the job''s request; erased like those.';

-- A document is there for moments: compressing it costs more than the room it saves.
alter table pdfprompt_part alter column content set storage external;
alter table pdfprompt_part set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- Row-level security between tenants, as for the other tables (0009).
grant select on pdfprompt_part to pdfprompt_tenant;
alter table pdfprompt_part enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_part using (true);
create policy pdfprompt_one_tenant on pdfprompt_part as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select j.user_id from pdfprompt_job j where j.id = job_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_job
  drop constraint pdfprompt_job_one_source,
  add column keeps_parts boolean not null default false;
comment on column pdfprompt_job.keeps_parts is 'Whether anything is kept in its parts that has to be erased: a document, an address.';
comment on column pdfprompt_job.html is 'The document of a job without parts, by the last release. Erased when there is a PDF, otherwise when one would have expired.';
comment on column pdfprompt_job.url is 'Where the document is of a job without parts, by the last release; without its query when there is a PDF, erased when that expires or would have.';
comment on column pdfprompt_job.request is 'The checked request with every default, without its source, filename and metadata; its cookies and headers are erased with the document.';

alter table pdfprompt_worker add column version text;
comment on column pdfprompt_worker.version is 'The release that it runs; null for those that know of no parts.';

-- A worker of the last release looks for the document in the job's row. When it claims a job of this one, the document
-- is moved there. A later release drops the trigger and both columns.
create function pdfprompt_move_part_back() returns trigger language plpgsql as $$
declare
  part pdfprompt_part;
begin
  if not exists (select from pdfprompt_worker w where w.id = new.worker_id and w.version is null) then
    return new;
  end if;
  delete from pdfprompt_part p
    where p.job_id = new.id and p.position = 0 and p.kind in ('html', 'url')
      and not exists (select from pdfprompt_part other where other.job_id = new.id and other.position > 0)
    returning p.* into part;
  if found then
    if part.kind = 'html' then new.html := part.content; else new.url := part.content; end if;
    new.request := new.request || part.settings;
    new.keeps_parts := false;
  end if;
  return new;
end $$;
comment on function pdfprompt_move_part_back is 'Before a worker of the last release claims a job: moves its document into the columns html and url.';
do $$
begin
  execute format('alter function pdfprompt_move_part_back set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
create trigger pdfprompt_move_part_back before update of status on pdfprompt_job
  for each row when (old.status = 'queued' and new.status = 'processing')
  execute function pdfprompt_move_part_back();
