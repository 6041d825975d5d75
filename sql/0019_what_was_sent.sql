-- Whether an Idempotency-Key was used with the same body: told by what was sent, not by what the defaults of one
-- release made of it. Empty for jobs of the last release, which goes on to write and to read idempotency_hash alone.

alter table pdfprompt_job add column sent_hash bytea;
comment on column pdfprompt_job.sent_hash is 'SHA-256 of the canonical JSON that came with the idempotency key';
comment on column pdfprompt_job.idempotency_hash is 'The same of the request with every default of the release that took it, for the release before this one';
