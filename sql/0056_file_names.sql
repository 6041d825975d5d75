-- Parts of a job that are not merged are a file each, or several, that may have a name of its own.
alter table pdfprompt_file add column name text, add column part smallint;

comment on column pdfprompt_file.name is 'Its own name; empty: it is called as its job is';
comment on column pdfprompt_file.part is 'Which part of the job it is of, from 0; empty: of all';
