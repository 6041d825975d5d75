-- pdfprompt: no transaction
-- Made CONCURRENTLY, which Postgres allows only outside a transaction: each statement runs alone.

create index concurrently if not exists idx_jobs_status_created on pdfprompt_job (status, created_at) where status = 'queued';

create index concurrently if not exists idx_user_subs_user_id on pdfprompt_user_subscription (user_id);

create index concurrently if not exists idx_files_job_id on pdfprompt_file (job_id);

create index concurrently if not exists idx_usage_user_created on pdfprompt_usage_history (user_id, created_at);
