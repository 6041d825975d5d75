-- pdfprompt: no transaction
-- Made CONCURRENTLY, which Postgres allows only outside a transaction: each statement runs alone.

-- Items in the order of their rows, each row once; and those that failed without reading the others.
create unique index concurrently if not exists pdfprompt_job_item on pdfprompt_job (batch_id, batch_row) where batch_row is not null;
create unique index concurrently if not exists pdfprompt_job_closing on pdfprompt_job (batch_id) where batch_id is not null and batch_row is null;
create index concurrently if not exists pdfprompt_job_item_unsuccessful on pdfprompt_job (batch_id, status, batch_row) where batch_row is not null and status in ('failed', 'cancelled');

-- The queued items of a user, the first one first; and their single jobs, which are looked for without reading ten thousand items.
create index concurrently if not exists pdfprompt_job_queued_item on pdfprompt_job (user_id, rank) where is_queued and batch_row is not null;
create index concurrently if not exists pdfprompt_job_queued_single on pdfprompt_job (user_id) where is_queued and batch_row is null;
