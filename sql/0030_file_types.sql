-- A file of a job may be a picture. What the last release writes is a PDF.
alter table pdfprompt_file add column type text not null default 'application/pdf';

comment on table pdfprompt_file is 'The files of a completed job: PDFs or pictures, each one once, however often it ran. With expired_at the bytes are gone.';
comment on column pdfprompt_file.type is 'Its media type';
