-- A worker of the last release knows HTML and URLs, and no files beside them. It is not given other documents: its claim
-- finds nothing, and the job is requeued.
create or replace function pdfprompt_move_part_back() returns trigger language plpgsql as $$
declare
  part pdfprompt_part;
begin
  if not exists (select from pdfprompt_worker w where w.id = new.worker_id and w.version is null) then
    return new;
  end if;
  if exists (select from pdfprompt_part p where p.job_id = new.id and (p.kind not in ('html', 'url') or p.has_files)) then
    return null;
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
do $$
begin
  execute format('alter function pdfprompt_move_part_back set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
