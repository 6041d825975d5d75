-- Limits: what a tenant has asked for of late is kept in the row of its lane, which every submission locks anyway.

alter table pdfprompt_lane
  add column recent timestamptz[] not null default '{}',
  add column day date,
  add column day_count integer not null default 0 check (day_count >= 0);
comment on column pdfprompt_lane.recent is 'When the requests of the last 60 seconds were accepted, oldest first; without a limit a minute, only the last one.';
comment on column pdfprompt_lane.day_count is 'Requests accepted on the UTC day `day`.';

-- What was accepted just before this counts too.
update pdfprompt_lane l set
  recent = array(
    select j.created_at from pdfprompt_job j
    where j.user_id = l.user_id and j.created_at > now() - interval '60 seconds' order by j.created_at),
  day = (now() at time zone 'utc')::date,
  day_count = (
    select count(*) from pdfprompt_job j
    where j.user_id = l.user_id and j.created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc');
