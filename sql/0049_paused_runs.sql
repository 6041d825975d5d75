-- A run that waits to be tried again is not, while its schedule is paused: a paused schedule has no times.

create or replace function pdfprompt_retry_run(at timestamptz default null) returns setof pdfprompt_schedule_run language plpgsql as $$
#variable_conflict use_variable
declare
  run pdfprompt_schedule_run;
begin
  at := coalesce(at, clock_timestamp());
  select r.* into run from pdfprompt_schedule_run r where r.status = 'waiting' and r.retry_at <= at
    order by r.retry_at limit 1 for no key update skip locked;
  if not found then
    return;
  end if;
  if exists (select from pdfprompt_schedule s where s.id = run.schedule_id and s.paused) then
    run.status := 'skipped';
    run.skipped := 1;
    run.error_code := null;
    run.error_message := null;
    run.retry_at := null;
  else
    run := pdfprompt_submit_run(run, at);
  end if;
  update pdfprompt_schedule_run r set status = run.status, skipped = run.skipped, job_id = run.job_id,
      error_code = run.error_code, error_message = run.error_message, retry_at = run.retry_at
    where r.schedule_id = run.schedule_id and r.planned_at = run.planned_at and r.asked = run.asked;
  return next run;
end $$;
comment on function pdfprompt_retry_run is 'Tries a run again that was refused for a while, or skips it if its schedule is paused. Returns nothing if none is due.';
comment on column pdfprompt_schedule_run.status is 'waiting: refused for a while, and tried again; submitted: there is a job; refused: for good; skipped: not run because it was missed, or waited when the schedule was paused.';

-- A worker of the last release prints items of batches too, and knows no defaults of what is not stored: items are stored
-- without them. It is given them here.
create or replace function pdfprompt_move_part_back() returns trigger language plpgsql as $$
declare
  part pdfprompt_part;
  defaults constant jsonb := '{"options": {"format": "Letter", "landscape": false, "scale": 1, "printBackground": true,
    "displayHeaderFooter": false, "preferCSSPageSize": false, "omitBackground": false, "tagged": false, "outline": false},
    "gotoOptions": {"waitUntil": "load"}, "setJavaScriptEnabled": true, "timeoutMs": 60000, "failOnStatus": true,
    "failOnResourceError": false}';
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
    new.request := defaults || new.request || jsonb_build_object(
      'options', (defaults -> 'options') || coalesce(new.request -> 'options', '{}'),
      'gotoOptions', (defaults -> 'gotoOptions') || coalesce(new.request -> 'gotoOptions', '{}'));
    new.keeps_parts := false;
  end if;
  return new;
end $$;

do $$
begin
  -- A function that is replaced loses its settings.
  execute format('alter function pdfprompt_move_part_back set search_path = pg_catalog, %I, pg_temp', current_schema());
  execute format('alter function pdfprompt_retry_run set search_path = pg_catalog, %I, pg_temp', current_schema());
  alter function pdfprompt_retry_run set plan_cache_mode = force_generic_plan;
  alter function pdfprompt_retry_run set enable_seqscan = off;
end $$;
