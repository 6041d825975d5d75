-- A claim is one statement. If it takes a job that cannot be begun, all of it is undone, and the claim is made in steps.

create function pdfprompt_not_begun(id uuid) returns void language plpgsql as $$
begin
  raise exception 'the job % is not begun by this statement', id using errcode = 'PDF14';
end $$;
comment on function pdfprompt_not_begun is 'Undoes a claim in one statement that has taken a job which is paused, has ended, or was lost. Always fails, with PDF14.';

do $$
declare
  grantee name;
begin
  execute format('alter function pdfprompt_not_begun set search_path = pg_catalog, %I, pg_temp', current_schema());
  -- Nobody else may call it, but for who may write our tables (0033).
  execute 'revoke execute on function pdfprompt_not_begun(uuid) from public';
  for grantee in
    select r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
    where c.oid = 'pdfprompt_job'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
  loop
    execute format('grant execute on function pdfprompt_not_begun(uuid) to %I', grantee);
  end loop;
end $$;
