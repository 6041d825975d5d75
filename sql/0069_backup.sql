-- Backups that were made, so that an alarm can know how old the last one is.

create table pdfprompt_backup (
  id uuid primary key,
  taken_at timestamptz not null,
  ended_at timestamptz not null,
  bytes bigint not null check (bytes > 0),
  files integer not null check (files >= 0),
  version text not null
);
comment on table pdfprompt_backup is 'Backups that `pdfprompt backup` has made, kept for a year. Without those that were made in another way.';
comment on column pdfprompt_backup.taken_at is 'The time of what is in it: what was committed later is not.';
comment on column pdfprompt_backup.ended_at is 'When it was on the disk, or at the end of the pipe';
comment on column pdfprompt_backup.bytes is 'Of the backup, compressed';
comment on column pdfprompt_backup.files is 'Files from outside of the database that are in it';
comment on column pdfprompt_backup.version is 'The release that made it';
create index pdfprompt_backup_taken_at on pdfprompt_backup (taken_at);
