import { type SQL, sql } from 'drizzle-orm';
import { OperatorError } from '../kernel/errors.ts';
import type { Database } from './pools.ts';

/** Sees the rows of one tenant only, and changes nothing: `sql/0009_tenant_wall.sql`. */
export const TENANT_ROLE = 'pdfprompt_tenant';

/**
 * The gate of a statement that reads for a tenant, as one of its conditions. It says whose rows the
 * statement may see, until its transaction ends. Read as {@link TENANT_ROLE}, a statement without it sees
 * none; elsewhere it is without effect.
 *
 * In a sub-select of its own it is evaluated once, before the first row is looked for.
 * `test/integration/tenant-isolation.test.ts` has the plans.
 */
export function entering(userId: string): SQL {
  return sql`(select set_config('pdfprompt.tenant', ${userId}::text, true) is not null)`;
}

/** @throws OperatorError that says what to type if the database's user may not read as {@link TENANT_ROLE} */
export async function checkTenantRole(db: Database): Promise<void> {
  const [row] = await db.execute<{ user: string; may_enter: boolean | null }>(sql`
    select quote_ident(current_user) as user, (
      select pg_has_role(oid, case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end)
      from pg_roles where rolname = ${TENANT_ROLE}) as may_enter`);
  if (row?.may_enter) return;
  const create = row?.may_enter === null ? `create role ${TENANT_ROLE} nologin; ` : '';
  throw new OperatorError(
    `DATABASE_URL: its user may not enter the role ${TENANT_ROLE}, which keeps tenants apart. Type as a superuser: ${create}grant ${TENANT_ROLE} to ${row?.user};`,
  );
}
