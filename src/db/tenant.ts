import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import { OperatorError } from '../kernel/errors.ts';
import type { Database } from './pools.ts';

/** The role that can read the rows of one tenant only, and change nothing: `sql/0009_tenant_wall.sql`. */
export const TENANT_ROLE = 'pdfprompt_tenant';

/**
 * A condition for every statement that reads for a tenant. It selects the tenant for row-level security until the
 * transaction ends. Run as {@link TENANT_ROLE}, a statement without it sees no rows; as another role it has no effect.
 *
 * As a sub-select it is evaluated once, before the first row is read. `test/integration/tenant-isolation.test.ts` checks
 * the plans.
 */
export function forTenant(userId: string | Placeholder): SQL {
  return sql`(select set_config('pdfprompt.tenant', ${userId}::text, true) is not null)`;
}

/** @throws OperatorError with the statement to run if the database's user may not switch to {@link TENANT_ROLE} */
export async function checkTenantRole(db: Database): Promise<void> {
  const [row] = await db.execute<{ user: string; may_switch: boolean | null }>(sql`
    select quote_ident(current_user) as user, (
      select pg_has_role(oid, case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end)
      from pg_roles where rolname = ${TENANT_ROLE}) as may_switch`);
  if (row?.may_switch) return;
  const create = row?.may_switch === null ? `create role ${TENANT_ROLE} nologin; ` : '';
  throw new OperatorError(
    `DATABASE_URL: its user may not enter the role ${TENANT_ROLE}, which keeps tenants apart. Type as a superuser: ${create}grant ${TENANT_ROLE} to ${row?.user};`,
  );
}
