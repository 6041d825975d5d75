-- pdfprompt: no transaction
-- What a filter of jobs reads, beside the terms of 0061. Only jobs that failed have a code.
create index concurrently if not exists pdfprompt_job_error on pdfprompt_job (error_code, id desc) where error_code is not null;
create index concurrently if not exists pdfprompt_job_user_error on pdfprompt_job (user_id, error_code, id desc) where error_code is not null;

-- Users by the beginning of their email: bytes are in the order of its characters.
create index concurrently if not exists pdfprompt_user_email_prefix on pdfprompt_user (email collate "C");
