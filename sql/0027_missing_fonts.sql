-- Which font families a document asked for and did not get. Jobs that the last release completes have none.
alter table pdfprompt_job add column missing_fonts jsonb not null default '[]';

comment on column pdfprompt_job.missing_fonts is 'Names of font families that the document asked for first and did not get; the first 20 of them.';
