-- pdfprompt: no transaction
-- What is left behind is found by its index.

-- What is still kept of a request: the document or its address, and what let it in.
create index concurrently if not exists pdfprompt_job_kept_request on pdfprompt_job (completed_at)
  where completed_at is not null and (html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[]);

-- It has all that this one had, for the version before too.
drop index concurrently if exists pdfprompt_job_kept_document;

-- Under way, but by no worker: there is no such job, unless somebody deleted a worker by hand.
create index concurrently if not exists pdfprompt_job_nobodys on pdfprompt_job (id) where status = 'processing' and worker_id is null;

comment on column pdfprompt_job.html is 'The document, the largest and the most private part; dropped when there is a PDF, otherwise when one would have expired.';
comment on column pdfprompt_job.url is 'Where the document is; without its query when there is a PDF, dropped when that expires or would have.';
comment on column pdfprompt_job.request is 'The checked request with every default, without html, url, filename and metadata; its cookies and headers go with the document.';
