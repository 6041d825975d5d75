-- Links to files of jobs, which work without a key. A link is no row: it is signed. These are the keys that sign, and
-- what makes the links of a job invalid.

alter table pdfprompt_job add column link_revocations integer not null default 0;
comment on column pdfprompt_job.link_revocations is 'How often the links of the job were revoked. A link holds the number of its time, and is valid while it is the same.';

create table pdfprompt_link_key (
  id integer primary key generated always as identity,
  secret bytea not null check (octet_length(secret) = 32),
  created_at timestamptz not null default now()
);
comment on table pdfprompt_link_key is 'Keys that sign links; the newest signs. Workers make a new one every 30 days, and delete those whose links have expired. Without a row no link is valid.';
