-- pdfprompt: no transaction
-- Jobs that are paused have no place in the queue: what reads the queue does not read past them.
create index concurrently if not exists pdfprompt_job_waiting_rank on pdfprompt_job (rank, id) where is_queued and paused_at is null;

drop index concurrently if exists pdfprompt_job_queued_rank;

create index concurrently if not exists pdfprompt_job_waiting_single_overview on pdfprompt_job (priority, tier, created_at) where is_queued and batch_row is null and paused_at is null;

drop index concurrently if exists pdfprompt_job_queued_single_overview;

-- Those that are.
create index concurrently if not exists pdfprompt_job_paused on pdfprompt_job (rank, id) where is_queued and paused_at is not null;
