-- What whoever watches needs to know of a job beside what its owner sees.

alter table pdfprompt_job
  add column tier text not null default '',
  add column request_id text,
  add column traceparent text;

comment on column pdfprompt_job.tier is 'the tier that its user was on when it was accepted; empty: accepted before this was written down';
comment on column pdfprompt_job.request_id is 'X-Request-Id of the request that made it';
comment on column pdfprompt_job.traceparent is 'W3C trace context of the request that made it';

create table pdfprompt_lease (
  name text primary key,
  holder uuid not null,
  expires_at timestamptz not null
);
comment on table pdfprompt_lease is 'what one process does for all, and which one does it until when';
