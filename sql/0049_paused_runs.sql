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

do $$
begin
  -- A function that is replaced loses its settings.
  execute format('alter function pdfprompt_retry_run set search_path = pg_catalog, %I, pg_temp', current_schema());
  alter function pdfprompt_retry_run set plan_cache_mode = force_generic_plan;
  alter function pdfprompt_retry_run set enable_seqscan = off;
end $$;
