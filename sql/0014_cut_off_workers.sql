-- A worker whose session is cut, and who says so by another connection, is alive. The column may be empty:
-- the last release neither writes nor reads it, and takes such a worker for dead as before.

alter table pdfprompt_worker add column cut_off_at timestamptz;
comment on column pdfprompt_worker.cut_off_at is 'since when it has no session to hold its lock with, while it is seen all the same; it ends what it has and claims nothing';
