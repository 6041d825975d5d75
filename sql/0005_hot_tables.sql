-- Tables whose rows change often are cleaned and counted often: the defaults wait for a fifth of the table.

alter table pdfprompt_job set (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500
);
alter table pdfprompt_job_attempt set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
alter table pdfprompt_file_chunk set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- Few rows, each updated again and again, with no index on what changes: room beside them keeps that in place.
alter table pdfprompt_lane set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table pdfprompt_worker set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
alter table pdfprompt_usage_history set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- For the end of a job's time.
create index pdfprompt_job_ended on pdfprompt_job (completed_at) where completed_at is not null;
