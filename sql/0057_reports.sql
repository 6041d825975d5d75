-- An upload by POST or PATCH, with the name of its file, or as a zip of several files; and reports of how an upload has ended.

alter table pdfprompt_delivery drop constraint pdfprompt_delivery_kind_check;
alter table pdfprompt_delivery add constraint pdfprompt_delivery_kind_check check (kind in ('webhook', 'upload', 'report'));

alter table pdfprompt_delivery add column options jsonb, add column after uuid, add column report_on text,
  add column upload_attempt smallint, add column upload_ended_at timestamptz;
comment on column pdfprompt_delivery.kind is 'webhook; upload: of the files of a job; report: of how an upload has ended';
comment on column pdfprompt_delivery.headers is 'Of an upload or a report, beside our own';
comment on column pdfprompt_delivery.options is 'How it is sent: of an upload its method and disposition; of a report its method, body, statuses and fields.';
comment on column pdfprompt_delivery.after is 'Of a report: the upload. No foreign key: both go with their job.';
comment on column pdfprompt_delivery.report_on is 'Of a report: the end of the upload with which it is sent, delivered or failed. The latter also if there is no file.';
comment on column pdfprompt_delivery.upload_attempt is 'Of a report: the last attempt of the upload at the end that is reported. It may have more by now.';
comment on column pdfprompt_delivery.upload_ended_at is 'Of a report: when the upload came to the end that is reported';

create index pdfprompt_delivery_after on pdfprompt_delivery (after) where after is not null;
create index pdfprompt_delivery_ready_report on pdfprompt_delivery (user_id, host, ready_at) where status = 'ready' and kind = 'report';
drop index pdfprompt_delivery_secret;
create index pdfprompt_delivery_secret on pdfprompt_delivery (created_at)
  where kind <> 'webhook' and (headers is not null or position('?' in url) > 0);

create or replace function pdfprompt_add_deliveries(job_id uuid, user_id uuid, wanted jsonb) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  each record;
  report record;
  endpoint pdfprompt_webhook;
  id uuid;
begin
  for each in select * from jsonb_to_recordset(wanted) as w (kind text, url text, webhook uuid, headers jsonb, options jsonb, reports jsonb) loop
    if each.webhook is not null then
      select w.* into endpoint from pdfprompt_webhook w
        where w.id = each.webhook and w.user_id = user_id and w.deleted_at is null for key share;
      if not found then
        raise exception 'there is no such webhook' using errcode = 'PDF07';
      end if;
    end if;
    id := gen_random_uuid();
    insert into pdfprompt_delivery (id, user_id, job_id, kind, asked, webhook_id, url, headers, options, host, status)
      values (id, user_id, job_id, each.kind, true, each.webhook, each.url, each.headers, each.options,
        case when each.webhook is null then pdfprompt_host_of(each.url) else endpoint.host end, 'awaiting');
    for report in select * from jsonb_to_recordset(coalesce(each.reports, '[]')) as r ("on" text, url text, headers jsonb, options jsonb) loop
      insert into pdfprompt_delivery (id, user_id, job_id, kind, asked, url, headers, options, host, status, after, report_on)
        values (gen_random_uuid(), user_id, job_id, 'report', true, report.url, report.headers, report.options,
          pdfprompt_host_of(report.url), 'awaiting', id, report."on");
    end loop;
  end loop;
end $$;
comment on function pdfprompt_add_deliveries is 'Writes what a request asks to be sent at the end of its job: an array of objects with kind, and url or webhook (an id), headers, options; and of an upload its reports. Error: PDF07 the user has no such webhook.';

create or replace function pdfprompt_on_job_end() returns trigger language plpgsql as $$
declare
  ended_as constant text := 'job.' || new.status;
  is_any_ready boolean;
begin
  -- Reports wait for the end of their upload.
  with asked as (
    update pdfprompt_delivery d set
      event = ended_as,
      status = case
        when d.kind = 'report' then 'awaiting'
        when d.kind = 'upload' and new.status <> 'completed' then 'cancelled'
        when w.off_since is not null or w.deleted_at is not null then 'failed'
        else 'ready' end,
      host = coalesce(w.host, d.host),
      ready_at = case when d.kind <> 'report' then clock_timestamp() end,
      ended_at = case when d.kind = 'upload' and new.status <> 'completed' or w.off_since is not null or w.deleted_at is not null
        then clock_timestamp() end
    from pdfprompt_delivery own left join pdfprompt_webhook w on w.id = own.webhook_id
    where own.job_id = new.id and own.status = 'awaiting' and d.id = own.id
    returning d.status
  ), subscribed as (
    insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, host, event, status, ready_at, ended_at)
    select gen_random_uuid(), new.user_id, new.id, 'webhook', w.id, w.host, ended_as,
      case when w.off_since is null then 'ready' else 'failed' end, clock_timestamp(),
      case when w.off_since is not null then clock_timestamp() end
    from pdfprompt_webhook w
    where w.user_id = new.user_id and w.deleted_at is null and ended_as = any (w.events)
      and not exists (select from pdfprompt_delivery d where d.job_id = new.id and d.webhook_id = w.id)
    returning status
  )
  select bool_or(made.status = 'ready') into is_any_ready
    from (select status from asked union all select status from subscribed) as made;
  if is_any_ready then
    perform pg_notify('pdfprompt_deliveries', '');
  end if;
  perform pg_notify('pdfprompt_jobs', json_build_object('id', new.id, 'user', new.user_id, 'status', new.status)::text);
  return null;
end $$;

-- It does not matter who ends an upload: its sender, the end of its job, or a process that finds that its sender was lost. One
-- that is replayed ends again: then the other reports are sent, and none a second time. Those of its failure that have not
-- been delivered say what is no longer true once it is delivered. One that is being sent cannot be called back: its sender
-- finds at the next attempt that there is none. The opposite does not occur, as what was delivered is not replayed.
create function pdfprompt_on_upload_end() returns trigger language plpgsql as $$
declare
  ended_as constant text := case new.status when 'delivered' then 'delivered' else 'failed' end;
begin
  update pdfprompt_delivery set status = 'cancelled', ended_at = clock_timestamp(), due_at = null
    where after = new.id and report_on <> ended_as
      and (status = 'awaiting' or status in ('ready', 'waiting') and ended_as = 'delivered');
  update pdfprompt_delivery set status = 'ready', ready_at = clock_timestamp(), ended_at = null,
      upload_attempt = new.attempts, upload_ended_at = coalesce(new.ended_at, clock_timestamp())
    where after = new.id and status in ('awaiting', 'cancelled') and report_on = ended_as;
  if found then
    perform pg_notify('pdfprompt_deliveries', '');
  end if;
  return null;
end $$;
comment on function pdfprompt_on_upload_end is 'Makes the reports of an upload that ends ready, in the same transaction, and cancels those of another end that are still to be sent.';
create trigger pdfprompt_upload_ended after update of status on pdfprompt_delivery
  for each row when (new.kind = 'upload' and new.status in ('delivered', 'failed', 'cancelled') and old.status <> new.status)
  execute function pdfprompt_on_upload_end();

create or replace function pdfprompt_wanted_deliveries(request jsonb) returns jsonb language plpgsql immutable as $$
declare
  url constant text := '^https?://[^/?#@\s\\]+([/?#]|$)';
  webhook constant text := case when jsonb_typeof(request -> 'webhook') = 'string' then request ->> 'webhook' end;
  upload constant jsonb := case jsonb_typeof(request -> 'upload')
    when 'string' then jsonb_build_object('url', request -> 'upload') when 'object' then request -> 'upload' end;
  sent constant jsonb := jsonb_strip_nulls(jsonb_build_object('method', upload -> 'method', 'disposition', upload -> 'disposition'));
  reports jsonb;
  wanted jsonb := '[]';
begin
  if webhook ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
    wanted := wanted || jsonb_build_object('kind', 'webhook', 'webhook', webhook);
  elsif webhook ~* url and length(webhook) <= 8192 then
    wanted := wanted || jsonb_build_object('kind', 'webhook', 'url', webhook);
  end if;
  if upload ->> 'url' ~* url and length(upload ->> 'url') <= 8192 and jsonb_typeof(coalesce(upload -> 'headers', '{}')) in ('object', 'null') then
    if jsonb_typeof(upload -> 'reports') = 'array' then
      select jsonb_agg(jsonb_build_object('on', report -> 'on', 'url', report -> 'url', 'headers', nullif(report -> 'headers', 'null'),
          'options', jsonb_strip_nulls(report - '{on,url,headers,body}'::text[]) || jsonb_build_object('body', report -> 'body')))
        into reports
        from (select value as report from jsonb_array_elements(upload -> 'reports') limit 4) as first
        where report ->> 'on' in ('delivered', 'failed') and report ->> 'url' ~* url and length(report ->> 'url') <= 8192
          and coalesce(report ->> 'method', 'POST') in ('POST', 'PUT', 'PATCH') and jsonb_typeof(report -> 'body') = 'object'
          and jsonb_typeof(coalesce(report -> 'headers', '{}')) in ('object', 'null');
    end if;
    wanted := wanted || jsonb_build_object('kind', 'upload', 'url', upload -> 'url', 'headers', nullif(upload -> 'headers', 'null'),
      'options', nullif(sent, '{}'), 'reports', reports);
  end if;
  return wanted;
end $$;

do $$
declare
  own text;
  grantee name;
begin
  foreach own in array '{pdfprompt_add_deliveries,pdfprompt_on_job_end,pdfprompt_on_upload_end,pdfprompt_wanted_deliveries}'::text[] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', own, current_schema());
  end loop;
  -- As the service's own connections have it: every statement here has an index.
  foreach own in array '{pdfprompt_on_job_end,pdfprompt_on_upload_end}'::text[] loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', own);
    execute format('alter function %s set enable_seqscan = off', own);
    execute format('alter function %s set enable_bitmapscan = off', own);
  end loop;
  -- Nobody else may call the one that is new, but for who may write our tables (0033).
  execute 'revoke execute on function pdfprompt_on_upload_end() from public';
  for grantee in
    select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
    where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
  loop
    execute format('grant execute on function pdfprompt_on_upload_end() to %I', grantee);
  end loop;
end $$;
