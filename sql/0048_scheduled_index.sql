-- pdfprompt: no transaction
-- Those whose time has come, and the next time.
create index concurrently if not exists pdfprompt_job_scheduled on pdfprompt_job (run_at, id) where status = 'scheduled';

-- What 0047 left.
alter table pdfprompt_job validate constraint pdfprompt_job_status_check;
