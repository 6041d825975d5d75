-- A second wall between tenants, behind the WHERE of every query: what is read for a tenant is read as a
-- role that owns nothing and sees the rows of one tenant only, the one that the statement itself names
-- (src/db/tenant.ts). A statement that names none sees none.

do $$
begin
  -- Roles belong to the whole cluster: another database of it may have made this one, or be about to.
  if not exists (select from pg_roles where rolname = 'pdfprompt_tenant') then
    begin
      create role pdfprompt_tenant nologin;
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise exception 'the user % may not create the role pdfprompt_tenant', current_user using
          errcode = 'insufficient_privilege',
          hint = format('Type as a superuser: create role pdfprompt_tenant nologin; grant pdfprompt_tenant to %I;', current_user);
    end;
  end if;

  -- To enter the role is what the service has to be allowed; superusers are.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    begin
      if current_setting('server_version_num')::integer < 160000 then
        if not pg_has_role('pdfprompt_tenant', 'member') then
          execute format('grant pdfprompt_tenant to %I', current_user);
        end if;
      elsif not pg_has_role('pdfprompt_tenant', 'set') then
        execute format('grant pdfprompt_tenant to %I with inherit false, set true', current_user);
      end if;
    exception
      when insufficient_privilege then
        raise exception 'the user % may not enter the role pdfprompt_tenant', current_user using
          errcode = 'insufficient_privilege',
          hint = format('Type as a superuser: grant pdfprompt_tenant to %I;', current_user);
    end;
  end if;

  if not has_schema_privilege('pdfprompt_tenant', current_schema(), 'usage') then
    execute format('grant usage on schema %I to pdfprompt_tenant', current_schema());
  end if;
end $$;

grant select on pdfprompt_job, pdfprompt_lane, pdfprompt_file, pdfprompt_file_chunk, pdfprompt_usage_history to pdfprompt_tenant;

-- Forced: the owner is subject to the policies too, and let through by the first of each two. The second is
-- for the tenant's role; before Postgres 16 it also meets those who may enter the role, but are not in it.

alter table pdfprompt_job enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_job using (true);
create policy pdfprompt_one_tenant on pdfprompt_job as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_lane enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_lane using (true);
create policy pdfprompt_one_tenant on pdfprompt_lane as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_file enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_file using (true);
create policy pdfprompt_one_tenant on pdfprompt_file as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_file_chunk enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_file_chunk using (true);
-- Not EXISTS, which the planner may answer by reading all of the tenant's files.
create policy pdfprompt_one_tenant on pdfprompt_file_chunk as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select f.user_id from pdfprompt_file f where f.id = file_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_usage_history enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_usage_history using (true);
create policy pdfprompt_one_tenant on pdfprompt_usage_history as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

-- The one thing that a tenant is told of all others: how many jobs are ahead, up to a hundred.
create function pdfprompt_queue_position(rank integer, id uuid) returns integer
  language sql stable parallel safe security definer as $$
    select count(*)::integer + 1 from (
      select 1 from pdfprompt_job as ahead
      where ahead.is_queued and (ahead.rank, ahead.id) < (pdfprompt_queue_position.rank, pdfprompt_queue_position.id)
      limit 99
    ) as ahead
  $$;
comment on function pdfprompt_queue_position is 'The place in the queue of a job with this rank and id; 100 means 100 or more.';
do $$
begin
  -- Not to be led to another table of the name by whoever calls it.
  execute format('alter function pdfprompt_queue_position set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;
revoke execute on function pdfprompt_queue_position from public;
grant execute on function pdfprompt_queue_position to pdfprompt_tenant;
