import type { Sql } from 'postgres';
import { ConnectionHeartbeat } from './connection-heartbeat.ts';
import { connect } from './driver.ts';
import { SESSION_TIMEOUTS } from './pools.ts';

/** Milliseconds for each answer. */
const ANSWER_MS = 10_000;

export interface ServerFacts {
  /** e.g. 18.4 */
  version: string;
  versionNumber: number;
  /** connections that are not reserved for superusers */
  maxConnections: number;
  inRecovery: boolean;
  /** open connections by application_name, without this one */
  connections: Map<string, number>;
}

/** The facts about a server that `doctor` checks. @throws the driver's error if the server cannot be reached */
export async function inspectServer(url: string, connectTimeoutMs: number): Promise<ServerFacts> {
  return withConnection(url, { connectTimeoutMs }, async (sql) => {
    const [row] = await sql<Omit<ServerFacts, 'connections'>[]>`
      select current_setting('server_version') as version,
        current_setting('server_version_num')::int as "versionNumber",
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - coalesce(current_setting('reserved_connections', true)::int, 0) as "maxConnections",
        pg_is_in_recovery() as "inRecovery"`;
    if (!row) throw new Error('the server returned no settings');
    // Postgres hides the backend_type of other users' connections, but not their name and database.
    const counts = await sql<{ name: string; count: number }[]>`
      select coalesce(application_name, '') as name, count(*)::int as count from pg_stat_activity
      where coalesce(backend_type, 'client backend') = 'client backend' and datid is not null and pid <> pg_backend_pid()
      group by 1`;
    return { ...row, connections: new Map(counts.map(({ name, count }) => [name, count])) };
  });
}

/**
 * The timeouts that a pooler's connections lack, or that are longer than ours, as the statements that set them; undefined: none. We cannot set them
 * when we connect, because a pooler refuses startup parameters. @throws the driver's error if it cannot be reached
 */
export async function missingTimeouts(url: string, connectTimeoutMs: number): Promise<string | undefined> {
  return withConnection(url, { connectTimeoutMs, prepare: false }, async (sql) => {
    const rows = await sql<{ name: string; user: string }[]>`
      select s.name, quote_ident(current_user) as user
      from pg_settings s join json_each_text(${JSON.stringify(SESSION_TIMEOUTS)}::text::json) as ours on ours.key = s.name
      where s.setting::integer = 0 or s.setting::integer > ours.value::integer order by s.name`;
    const lines = rows.map(({ name, user }) => {
      const seconds = SESSION_TIMEOUTS[name as keyof typeof SESSION_TIMEOUTS] / 1000;
      return `alter role ${user} set ${name} = '${seconds}s';`;
    });
    return lines.length === 0 ? undefined : lines.join(' ');
  });
}

export interface SchemaFacts {
  /** of our tables, as it is written in a statement */
  schema: string;
  /** roles that may create in it and do not act as the owner of the tables anyway, with what takes it from them */
  others: { role: string; fix: string }[];
}

/**
 * Who may create in the schema of our tables. A function there is found before Postgres's own of that name if its types
 * fit better, and then runs as the owner of the tables. @returns undefined if there are no tables
 * @throws the driver's error if it cannot be reached
 */
export async function inspectSchema(url: string, connectTimeoutMs: number): Promise<SchemaFacts | undefined> {
  return withConnection(url, { connectTimeoutMs }, async (sql) => {
    const rows = await sql<{ schema: string; role: string | null; fix: string }[]>`
      with tables as (
        select n.nspname, n.nspowner, n.nspacl, c.relowner
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass('pdfprompt_job')
      ), granted as (
        select a.grantee from tables, aclexplode(nspacl) a where a.privilege_type = 'CREATE'
        union
        select nspowner from tables -- may grant it to itself
      ), others as (
        select g.grantee from tables t, granted g left join pg_roles r on r.oid = g.grantee
        -- A superuser is a member of every role. pg_database_owner stands for the owner of the database.
        where g.grantee = 0 or not pg_has_role(case when r.rolname = 'pg_database_owner'
          then (select datdba from pg_database where datname = current_database()) else g.grantee end, t.relowner, 'MEMBER')
      )
      select quote_ident(t.nspname) as schema,
        case when o.grantee = 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(o.grantee)) end as role,
        case when o.grantee = t.nspowner
          then format('alter schema %I owner to %I;', t.nspname, pg_get_userbyid(t.relowner))
          else format('revoke create on schema %I from %s;', t.nspname,
            case when o.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(o.grantee)) end) end as fix
      from tables t left join others o on true order by 2`;
    const [first] = rows;
    return (
      first && {
        schema: first.schema,
        others: rows.flatMap(({ role, fix }) => (role === null ? [] : [{ role, fix }])),
      }
    );
  });
}

async function withConnection<T>(
  url: string,
  { connectTimeoutMs, prepare = true }: { connectTimeoutMs: number; prepare?: boolean },
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const heartbeat = new ConnectionHeartbeat({ answerMs: ANSWER_MS });
  const sql = connect(url, { max: 1, connect_timeout: connectTimeoutMs / 1000, heartbeat, prepare });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
