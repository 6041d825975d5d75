-- What the page of a job said, and what it showed when it failed.

create table pdfprompt_page_report (
  job_id uuid primary key references pdfprompt_job (id) on delete cascade,
  user_id uuid not null,
  run integer not null,
  messages jsonb not null default '[]',
  message_count integer not null default 0,
  picture bytea check (octet_length(picture) <= 524288)
);
comment on table pdfprompt_page_report is 'What the pages of a job said in its last run in which they did, and a picture of the page that failed. It is erased with the document, as it may show it.';
comment on column pdfprompt_page_report.messages is 'The first ones of its console, at most 100: type, text, at, times';
comment on column pdfprompt_page_report.message_count is 'Of all messages';
comment on column pdfprompt_page_report.picture is 'A JPEG';
alter table pdfprompt_page_report alter column picture set storage external;

-- What erases a document, of whichever release, erases this with it. It says so by keeps_parts, which a finish may
-- set, but no expiry.
create function pdfprompt_erase_page_report() returns trigger language plpgsql as $$
begin
  delete from pdfprompt_page_report where job_id = new.id;
  return null;
end $$;
comment on function pdfprompt_erase_page_report is 'Erases the page report of a job whose document is erased after its end.';
create trigger pdfprompt_erase_page_report after update of keeps_parts on pdfprompt_job
  for each row when (old.keeps_parts and not new.keeps_parts and old.completed_at is not null)
  execute function pdfprompt_erase_page_report();

grant select on pdfprompt_page_report to pdfprompt_tenant;
alter table pdfprompt_page_report enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_page_report using (true);
create policy pdfprompt_one_tenant on pdfprompt_page_report as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

do $$
declare
  grantee name;
begin
  execute format('alter function pdfprompt_erase_page_report set search_path = pg_catalog, %I, pg_temp', current_schema());
  -- Nobody else may call it, but for who may write our tables (0033).
  execute 'revoke execute on function pdfprompt_erase_page_report() from public';
  for grantee in
    select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
    where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
  loop
    execute format('grant execute on function pdfprompt_erase_page_report() to %I', grantee);
  end loop;
end $$;
