-- Who looked at which document, and who did what for whom. Emails are not copied: an erased user stays as an id.

create table pdfprompt_audit (
  id uuid primary key,
  at timestamptz not null default clock_timestamp(),
  what text not null check (length(what) between 1 and 100),
  by_user_id uuid,
  by_key_id uuid,
  by_session_id uuid,
  user_id uuid,
  job_id uuid,
  request_id text,
  detail jsonb check (jsonb_typeof(detail) = 'object')
);
comment on table pdfprompt_audit is 'Looks at documents, and what operators and administrators have done. Rows are added and, when they are old, deleted.';
comment on column pdfprompt_audit.id is 'UUIDv7: the order of time';
comment on column pdfprompt_audit.by_user_id is 'Who did it; empty: a command on the server. Kept when the user is erased, as are the other ids';
comment on column pdfprompt_audit.by_key_id is 'The key that was used, or with which the session was begun; empty: the session was begun with a link';
comment on column pdfprompt_audit.user_id is 'Whose document, job, key or webhook it was';
comment on column pdfprompt_audit.detail is 'What else identifies it, such as batchId. Never an email, a key or a part of a document';
create index pdfprompt_audit_by on pdfprompt_audit (by_user_id, id);
create index pdfprompt_audit_user on pdfprompt_audit (user_id, id) where user_id is not null;
create index pdfprompt_audit_job on pdfprompt_audit (job_id, id) where job_id is not null;
create index pdfprompt_audit_what on pdfprompt_audit (what, id);
