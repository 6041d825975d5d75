-- For applications that share the database: the schema pdfprompt, and the role pdfprompt_client, which may call what is in
-- it and nothing else of ours (docs/sql.md).

-- A database user called pdfprompt would look for the tables in the schema of its own name first. From here on, in every
-- session of it, the release before included, they are where they were.
do $$
declare
  path constant text := (select string_agg(quote_ident(s), ', ') from unnest(current_schemas(false)) s);
begin
  perform set_config('search_path', path, false);
  if to_regnamespace('pdfprompt') is null and exists (select from pg_roles where rolname = 'pdfprompt')
    and not exists (
      select from pg_db_role_setting s join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as setting
      where r.rolname = 'pdfprompt' and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and setting like 'search_path=%')
  then
    begin
      execute format('alter role pdfprompt in database %I set search_path = %s', current_database(), path);
    exception
      when insufficient_privilege then
        raise warning 'the user pdfprompt will look for tables in the schema pdfprompt first. Type as a superuser: alter role pdfprompt in database % set search_path = %;', quote_ident(current_database()), path;
    end;
  end if;
end $$;
create schema if not exists pdfprompt;
comment on schema pdfprompt is 'What applications that share the database may call: docs/sql.md.';

-- As before, with a hint for people.
create or replace function pdfprompt_refuse_submission(
  user_id uuid,
  idempotency_key text,
  tier pdfprompt_tier,
  share pdfprompt_lane,
  at timestamptz
) returns void language plpgsql as $$
#variable_conflict use_variable
declare
  used record;
  known uuid;
  is_day_over boolean;
  wait integer;
begin
  if idempotency_key is not null then
    select j.id into known from pdfprompt_job j where j.user_id = user_id and j.idempotency_key = idempotency_key;
    if found then
      raise exception 'the idempotency key is in use' using errcode = 'PDF02', detail = known;
    end if;
  end if;

  used := pdfprompt_use(share.recent, share.day, share.day_count, tier.requests_per_minute, at);
  is_day_over := coalesce(used.day_used >= tier.requests_per_day, false);
  if used.minute_wait > 0 or is_day_over then
    wait := greatest(1, ceil(case when is_day_over then used.day_reset else used.minute_wait end));
    raise exception 'a limit of the tier % is reached', tier.name using errcode = 'PDF01',
      detail = (to_jsonb(tier) || to_jsonb(used))::text,
      hint = format('Allowed: %s; again in %s s, at %s.',
        case when is_day_over then tier.requests_per_day || ' in a UTC day' else tier.requests_per_minute || ' in any 60 seconds' end,
        wait, to_char((at + wait * interval '1 second') at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
  end if;
end $$;

create function pdfprompt_new_id() returns uuid language sql volatile as $$
  -- A random one, which begins with the time: version 7.
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
comment on function pdfprompt_new_id is 'An id for a job: UUIDv7.';

create function pdfprompt_time_text(at timestamptz) returns text language sql immutable as $$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
comment on function pdfprompt_time_text is 'A time as the API writes it, whatever the session''s time zone.';

-- What of a request belongs to the job's row. The worker checks the request; what it would refuse is left out here.
create function pdfprompt_shown_metadata(request jsonb) returns jsonb language plpgsql immutable as $$
declare
  metadata constant jsonb := request -> 'metadata';
begin
  if jsonb_typeof(metadata) = 'object' and not exists (
    select from jsonb_each(metadata) with ordinality as e (key, value, n)
    where n > 50 or length(e.key) not between 1 and 100 or not case jsonb_typeof(e.value)
      when 'string' then length(e.value #>> '{}') <= 500
      when 'number' then abs((e.value #>> '{}')::numeric) <= 9007199254740991 and length(e.value #>> '{}') <= 40
      when 'boolean' then true
      when 'null' then true
      else false
    end)
  then return metadata; end if;
  return '{}';
end $$;
comment on function pdfprompt_shown_metadata is 'The metadata of a request, or none if they are not valid.';

create function pdfprompt_wanted_deliveries(request jsonb) returns jsonb language plpgsql immutable as $$
declare
  url constant text := '^https?://[^/?#@\s\\]+([/?#]|$)';
  webhook constant text := case when jsonb_typeof(request -> 'webhook') = 'string' then request ->> 'webhook' end;
  upload constant jsonb := case jsonb_typeof(request -> 'upload')
    when 'string' then jsonb_build_object('url', request -> 'upload') when 'object' then request -> 'upload' end;
  wanted jsonb := '[]';
begin
  if webhook ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
    wanted := wanted || jsonb_build_object('kind', 'webhook', 'webhook', webhook);
  elsif webhook ~* url and length(webhook) <= 8192 then
    wanted := wanted || jsonb_build_object('kind', 'webhook', 'url', webhook);
  end if;
  if upload ->> 'url' ~* url and length(upload ->> 'url') <= 8192 and jsonb_typeof(coalesce(upload -> 'headers', '{}')) in ('object', 'null') then
    wanted := wanted || jsonb_build_object('kind', 'upload', 'url', upload -> 'url', 'headers', nullif(upload -> 'headers', 'null'));
  end if;
  return wanted;
end $$;
comment on function pdfprompt_wanted_deliveries is 'What a request asks to be sent at the end of its job, as pdfprompt_add_deliveries takes it.';

create function pdfprompt_submit_request(id uuid, user_id uuid, request jsonb, idempotency_key text, sent_hash bytea)
  returns void language plpgsql as $$
#variable_conflict use_variable
declare
  filename constant text := request ->> 'filename';
  timeout_ms constant text := case when jsonb_typeof(request -> 'timeoutMs') = 'number' then request ->> 'timeoutMs' end;
  settings jsonb := '{}';
  wanted constant jsonb := case when request ?| array['webhook', 'upload'] then pdfprompt_wanted_deliveries(request) else '[]' end;
begin
  -- For the time of a claim. Without it, as a template may say more, that is the longest that there is.
  if timeout_ms ~ '^[0-9]{4,6}$' and timeout_ms::integer <= 300000 then
    settings := jsonb_build_object('timeoutMs', timeout_ms::integer);
  end if;
  perform pdfprompt_submit(
    id => id, user_id => user_id, kind => 'request', data => request, request => settings,
    filename => case
      when filename ~ '^[^/\\[:cntrl:]]{1,200}$' and filename !~ '[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]' then filename
    end,
    metadata => case when request ? 'metadata' then pdfprompt_shown_metadata(request) else '{}' end,
    priority => array_position(array['low', 'medium', 'high', 'critical'], request ->> 'priority') - 1,
    idempotency_key => idempotency_key, sent_hash => sent_hash);
  if wanted <> '[]' then
    perform pdfprompt_add_deliveries(id, user_id, wanted);
  end if;
end $$;
comment on function pdfprompt_submit_request is 'Accepts a request as it was sent: one part of the kind request, which the worker that claims the job reads and replaces.';

create function pdfprompt.submit(user_email text, request jsonb, idempotency_key text default null) returns uuid
  language plpgsql security definer as $$
#variable_conflict use_variable
declare
  -- of the body of an HTTP request: REQUEST_BOUNDS in src/domain/print-fields.ts
  max_bytes constant integer := 10485760;
  bytes constant integer := octet_length(request::text);
  hash constant bytea := case when idempotency_key is not null then sha256(convert_to('sql ' || request::text, 'UTF8')) end;
  owner uuid;
  known pdfprompt_job;
  job uuid := pdfprompt_new_id();
begin
  if request is null or jsonb_typeof(request) <> 'object' then
    raise exception 'request: it is not a JSON object' using errcode = 'PDF09',
      hint = 'As the body of POST /v1/jobs: {"html": "<p>Hello</p>"}';
  end if;
  if bytes > max_bytes then
    raise exception 'request: it has % bytes', bytes using errcode = 'PDF09',
      hint = format('Allowed: %s. Larger files are sent once, with PUT /v1/assets, and named by their id.', max_bytes);
  end if;
  if idempotency_key !~ '^[!-~]{1,255}$' then
    raise exception 'idempotency_key: it is not valid' using errcode = 'PDF09', hint = 'Allowed: 1 to 255 visible ASCII characters.';
  end if;

  select u.id into owner from pdfprompt_user u where u.email = lower(btrim(user_email)) and u.erased_at is null;
  if not found then
    raise exception 'there is no user %', coalesce(left(user_email, 320), 'null') using errcode = 'PDF03',
      hint = format('Create one: pdfprompt keys create --user %s', coalesce(left(user_email, 320), 'EMAIL'));
  end if;

  if idempotency_key is null then
    perform pdfprompt_submit_request(job, owner, request, null, null);
    return job;
  end if;

  select * into known from pdfprompt_job j where j.user_id = owner and j.idempotency_key = idempotency_key;
  if not found then
    begin
      perform pdfprompt_submit_request(job, owner, request, idempotency_key, hash);
      return job;
    exception
      when sqlstate 'PDF02' then
        -- Another transaction was faster, and has been committed.
        select * into strict known from pdfprompt_job j where j.user_id = owner and j.idempotency_key = idempotency_key;
    end;
  end if;
  if known.sent_hash is distinct from hash then
    raise exception 'the idempotency key was used with another request' using errcode = 'PDF08', detail = known.id,
      hint = 'Allowed: the same request again, in SQL as before, or a new key.';
  end if;
  return known.id;
end $$;

comment on function pdfprompt.submit is 'Accepts a job for a user: request as the body of POST /v1/jobs. Returns its id; with an idempotency key that was used with the same request, the id of that job. '
  'Errors: PDF01 a limit of the tier is reached (hint: when it is free again); '
  'PDF03 there is no such user; '
  'PDF07 there is no such webhook; '
  'PDF08 the idempotency key was used with another request (detail: the id of the job); '
  'PDF09 what was passed is not valid.';

create function pdfprompt.job(id uuid) returns jsonb language sql stable security definer as $$
  select jsonb_build_object(
      'id', j.id,
      'status', j.status,
      'priority', (array['low', 'medium', 'high', 'critical'])[j.priority + 1],
      'attempts', j.attempts,
      'createdAt', pdfprompt_time_text(j.created_at),
      'startedAt', pdfprompt_time_text(j.started_at),
      'completedAt', pdfprompt_time_text(j.completed_at),
      'queuePosition', case when j.is_queued then pdfprompt_queue_position(j.rank, j.id) end,
      'timings', j.timings,
      'error', case when j.error_code is not null then
        jsonb_build_object('code', j.error_code, 'message', coalesce(j.error_message, '')) end,
      'file', case when f.id is not null then
        jsonb_build_object('id', f.id, 'size', f.size, 'pages', f.pages, 'type', f.type, 'sha256', encode(f.sha256, 'hex'),
          'url', case when f.expired_at is null then format('/v1/jobs/%s/pdf', j.id) end,
          'expiresAt', pdfprompt_time_text(f.expires_at)) end,
      'failedResources', j.failed_resources,
      'failedResourceCount', greatest(j.failed_resource_count, jsonb_array_length(j.failed_resources)),
      'missingFonts', j.missing_fonts,
      'incomplete', j.incomplete,
      'metadata', j.metadata,
      'templates', to_jsonb(coalesce(j.templates, '{}')))
    from pdfprompt_job j left join pdfprompt_file f on f.job_id = j.id and f.position = 0
    where j.id = job.id
$$;
comment on function pdfprompt.job is 'A job as GET /v1/jobs/{id} shows it, or null if there is none.';

create function pdfprompt.cancel(id uuid) returns boolean language plpgsql security definer as $$
#variable_conflict use_variable
begin
  -- Its place in the queue is left to the worker that comes to it.
  update pdfprompt_job j set status = 'cancelled', worker_id = null, completed_at = clock_timestamp()
    where j.id = id and j.status in ('queued', 'processing');
  if not found then
    return false;
  end if;
  update pdfprompt_job_attempt a set ended_at = clock_timestamp(), outcome = 'cancelled'
    where a.job_id = id and a.ended_at is null;
  perform pg_notify('pdfprompt_ended', id::text);
  return true;
end $$;
comment on function pdfprompt.cancel is 'Cancels a job that has not ended. Returns false if it has, or if there is none.';

do $$
declare
  tables constant text := current_schema();
  grantee name;
  f regprocedure;
begin
  -- So that a caller's search_path, or temporary tables, cannot lead to other tables of these names.
  foreach f in array array[
    'pdfprompt.submit(text, jsonb, text)', 'pdfprompt.job(uuid)', 'pdfprompt.cancel(uuid)',
    'pdfprompt_refuse_submission(uuid, text, pdfprompt_tier, pdfprompt_lane, timestamptz)',
    'pdfprompt_submit_request(uuid, uuid, jsonb, text, bytea)']::regprocedure[]
  loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, tables);
  end loop;

  -- Postgres lets everybody call a new function. Who may write our tables goes on to call those that do it.
  for f in
    select p.oid from pg_proc p
    where (p.pronamespace = tables::regnamespace and p.proname like 'pdfprompt\_%') or p.pronamespace = 'pdfprompt'::regnamespace
  loop
    execute format('revoke execute on function %s from public', f);
    for grantee in
      select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
      where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
    loop
      execute format('grant execute on function %s to %I', f, grantee);
    end loop;
  end loop;
end $$;

-- What the API reads as this role (0009).
grant execute on function pdfprompt_use to pdfprompt_tenant;

-- As the service's own connections have it: each statement has an index.
alter function pdfprompt.submit set plan_cache_mode = force_generic_plan;
alter function pdfprompt.submit set enable_seqscan = off;

do $$
begin
  -- Roles belong to the whole cluster: another database of it may have made this one, or be about to.
  if not exists (select from pg_roles where rolname = 'pdfprompt_client') then
    begin
      create role pdfprompt_client nologin;
    exception
      when duplicate_object or unique_violation then null;
      -- Without it everything else works: docs/sql.md says what to type as a superuser.
      when insufficient_privilege then return;
    end;
  end if;
  grant usage on schema pdfprompt to pdfprompt_client;
  grant execute on function pdfprompt.submit, pdfprompt.job, pdfprompt.cancel to pdfprompt_client;
end $$;
