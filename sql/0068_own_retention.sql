-- pdfprompt: no transaction
-- What is to be erased is found by its index, also where jobs are kept for a time of their own: for years next to days.

create index concurrently if not exists pdfprompt_job_retry_of on pdfprompt_job (retry_of) where retry_of is not null;

-- As the setting of the service says. The last release reads pdfprompt_job_kept.
create index concurrently if not exists pdfprompt_job_kept_default on pdfprompt_job (completed_at)
  where completed_at is not null and retention_seconds is null
    and (keeps_parts or html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[]);
create index concurrently if not exists pdfprompt_job_ended_default on pdfprompt_job (completed_at)
  where completed_at is not null and retention_seconds is null;

-- Until when those are kept that have a time of their own. In UTC, as an index takes nothing that depends on a time zone.
create index concurrently if not exists pdfprompt_job_kept_own
  on pdfprompt_job (((completed_at at time zone 'utc') + retention_seconds * interval '1 second'))
  where completed_at is not null and retention_seconds is not null
    and (keeps_parts or html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[]);
create index concurrently if not exists pdfprompt_job_ended_own
  on pdfprompt_job (((completed_at at time zone 'utc') + retention_seconds * interval '1 second'))
  where completed_at is not null and retention_seconds is not null;
