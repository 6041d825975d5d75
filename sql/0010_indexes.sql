-- pdfprompt: no transaction
-- What a million jobs need: docs/database.md has what each query reads.

-- A list of one status read all of a tenant's other jobs.
create index concurrently if not exists pdfprompt_job_user_status on pdfprompt_job (user_id, status, id desc);

-- A job names its worker for as long as that is at it; afterwards its attempts do.
update pdfprompt_job set worker_id = null where worker_id is not null and status <> 'processing';

-- For the foreign key too: to delete a worker Postgres read every job. It knows nothing of the status.
create index concurrently if not exists pdfprompt_job_named_worker on pdfprompt_job (worker_id) where worker_id is not null;

drop index concurrently if exists pdfprompt_job_worker;

-- How many are queued, by priority.
create index concurrently if not exists pdfprompt_job_queued_priority on pdfprompt_job (priority) where is_queued;
