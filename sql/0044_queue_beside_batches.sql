-- pdfprompt: no transaction
-- How many single jobs wait, by priority and tier, and since when, without reading the items of batches, which may be a
-- hundred thousand. Those are counted by their batches.
create index concurrently if not exists pdfprompt_job_queued_single_overview on pdfprompt_job (priority, tier, created_at) where is_queued and batch_row is null;

drop index concurrently if exists pdfprompt_job_queued_overview;
