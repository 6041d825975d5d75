-- pdfprompt: no transaction
-- What somebody who listens to events has missed: the user's jobs that have ended since, in the order of their ends.
create index concurrently if not exists pdfprompt_job_user_ended on pdfprompt_job (user_id, completed_at, id) where completed_at is not null;
