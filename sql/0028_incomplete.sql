-- What a job's document was printed without, because it took too long and whatever is there was asked for.
lock table pdfprompt_job in access exclusive mode;
alter table pdfprompt_job add column incomplete jsonb not null default '[]';

comment on column pdfprompt_job.incomplete is 'Sentences about what was not waited for any longer, with bestAttempt; of failed jobs it is empty.';
