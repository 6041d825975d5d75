-- pdfprompt: no transaction
-- What is still kept of a request is found by its index: documents, addresses, and what let them in.

create index concurrently if not exists pdfprompt_job_kept on pdfprompt_job (completed_at)
  where completed_at is not null
    and (keeps_parts or html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[]);

-- It has all that this one had, for the version before too.
drop index concurrently if exists pdfprompt_job_kept_request;
