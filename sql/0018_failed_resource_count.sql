-- How many resources did not load: the list has the first of them only.
alter table pdfprompt_job add column failed_resource_count integer not null default 0;

comment on column pdfprompt_job.failed_resource_count is 'Of jobs that an earlier version completed it is 0, and the list is all.';
