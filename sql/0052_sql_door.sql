-- What pdfprompt.submit can see by itself that no worker could print, it refuses, as the API does: until now such a job was
-- accepted, and failed when its turn had come.

create function pdfprompt_check_sources(request jsonb) returns void language plpgsql immutable as $$
declare
  wrong record;
begin
  with source as (
    select '' as at, request as value union all
    select format('parts[%s].', n - 1), part
    from jsonb_array_elements(case when jsonb_typeof(request -> 'parts') = 'array' then request -> 'parts' else '[]' end)
      with ordinality as p (part, n)
  ), found as (
    select s.at || 'data' as field, 'it is not an object' as why, 'Allowed: an object.' as hint
    from source s where jsonb_typeof(s.value -> 'data') not in ('object', 'null')
    union all
    select s.at || 'files' || case when f.key ~ '^[[:alpha:]_][[:alnum:]_-]{0,99}$' then '.' || f.key
        else format('[%s]', to_jsonb(regexp_replace(left(f.key, 100),
          '[[:cntrl:]\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]', '?', 'g'))) end,
      'it is not the id of an asset',
      'Allowed: the id of an asset, which has 64 hexadecimal digits in lower case, {"text": "…"} or {"base64": "…"}.'
    from source s, jsonb_each(case when jsonb_typeof(s.value -> 'files') = 'object' then s.value -> 'files' else '{}' end) f
    where jsonb_typeof(f.value) = 'string' and f.value #>> '{}' !~ '^[0-9a-f]{64}$'
  )
  select * into wrong from found limit 1;
  if found then
    raise exception '%: %', wrong.field, wrong.why using errcode = 'PDF09', hint = wrong.hint;
  end if;
end $$;
comment on function pdfprompt_check_sources is 'Error: PDF09 data of a request, or of one of its parts, is no object, or a file is the id of no asset.';

-- As before (0047), after that.
create or replace function pdfprompt_submit_request(id uuid, user_id uuid, request jsonb, idempotency_key text, sent_hash bytea)
  returns void language plpgsql as $$
#variable_conflict use_variable
declare
  filename constant text := request ->> 'filename';
  timeout_ms constant text := case when jsonb_typeof(request -> 'timeoutMs') = 'number' then request ->> 'timeoutMs' end;
  run_at constant timestamptz := case when request ? 'runAt' then pdfprompt_run_at(request) end;
  settings jsonb := '{}';
  wanted constant jsonb := case when request ?| array['webhook', 'upload'] then pdfprompt_wanted_deliveries(request) else '[]' end;
begin
  if request ?| array['data', 'files', 'parts'] then
    perform pdfprompt_check_sources(request);
  end if;
  -- For the time of a claim. Without it, as a template may say more, that is the longest that there is.
  if timeout_ms ~ '^[0-9]{4,6}$' and timeout_ms::integer <= 300000 then
    settings := jsonb_build_object('timeoutMs', timeout_ms::integer);
  end if;
  perform pdfprompt_submit(
    id => id, user_id => user_id, kind => 'request', data => request - 'runAt', request => settings,
    filename => case
      when filename ~ '^[^/\\[:cntrl:]]{1,200}$' and filename !~ '[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]' then filename
    end,
    metadata => case when request ? 'metadata' then pdfprompt_shown_metadata(request) else '{}' end,
    priority => array_position(array['low', 'medium', 'high', 'critical'], request ->> 'priority') - 1,
    idempotency_key => idempotency_key, sent_hash => sent_hash, run_at => run_at,
    -- So that they are still there at that time: a worker reads the request then.
    files => case when run_at > clock_timestamp() then pdfprompt_named_assets(request) end);
  if wanted <> '[]' then
    perform pdfprompt_add_deliveries(id, user_id, wanted);
  end if;
end $$;

do $$
declare
  grantee name;
  f regprocedure;
begin
  -- Replacing a function forgets its settings.
  foreach f in array array['pdfprompt_check_sources', 'pdfprompt_submit_request']::regproc[]::oid[]::regprocedure[] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', f, current_schema());
  end loop;
  -- Nobody else may call the one that is new, but for who may write our tables (0033).
  f := 'pdfprompt_check_sources'::regproc::oid::regprocedure;
  execute format('revoke execute on function %s from public', f);
  for grantee in
    select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
    where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
  loop
    execute format('grant execute on function %s to %I', f, grantee);
  end loop;
end $$;
