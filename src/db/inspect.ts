import { connect } from './driver.ts';
import { SESSION_TIMEOUTS } from './pools.ts';
import { ConnectionHeartbeat } from './connection-heartbeat.ts';

/** Milliseconds; the questions are easy. */
const ANSWER_MS = 10_000;

export interface ServerFacts {
  /** e.g. 18.4 */
  version: string;
  versionNumber: number;
  /** for users that are no superusers */
  maxConnections: number;
  inRecovery: boolean;
  /** open connections by application_name, this one left out */
  connections: Map<string, number>;
}

/** What `doctor` wants to know of a server. @throws the driver's error if it cannot be reached */
export async function inspectServer(url: string, connectTimeoutMs: number): Promise<ServerFacts> {
  const sql = connect(url, {
    max: 1,
    connect_timeout: connectTimeoutMs / 1000,
    heartbeat: new ConnectionHeartbeat({ answerMs: ANSWER_MS }),
  });
  try {
    const [row] = await sql<Omit<ServerFacts, 'connections'>[]>`
      select current_setting('server_version') as version,
        current_setting('server_version_num')::int as "versionNumber",
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - coalesce(current_setting('reserved_connections', true)::int, 0) as "maxConnections",
        pg_is_in_recovery() as "inRecovery"`;
    if (!row) throw new Error('the server did not answer the question');
    // Of other users' connections Postgres tells the name and the database, but not the kind.
    const counts = await sql<{ name: string; count: number }[]>`
      select coalesce(application_name, '') as name, count(*)::int as count from pg_stat_activity
      where coalesce(backend_type, 'client backend') = 'client backend' and datid is not null and pid <> pg_backend_pid()
      group by 1`;
    return { ...row, connections: new Map(counts.map(({ name, count }) => [name, count])) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * The timeouts that a pooler's connections lack, as what is to be typed. We cannot ask for them there: what
 * a connection begins with is the pooler's to say. @throws the driver's error if it cannot be reached
 */
export async function missingTimeouts(url: string, connectTimeoutMs: number): Promise<string | undefined> {
  const sql = connect(url, {
    max: 1,
    connect_timeout: connectTimeoutMs / 1000,
    heartbeat: new ConnectionHeartbeat({ answerMs: ANSWER_MS }),
    prepare: false,
  });
  try {
    const rows = await sql<{ name: string; user: string }[]>`
      select name, quote_ident(current_user) as user from pg_settings
      where name in ${sql(Object.keys(SESSION_TIMEOUTS))} and setting::integer = 0 order by name`;
    const lines = rows.map(({ name, user }) => {
      const seconds = SESSION_TIMEOUTS[name as keyof typeof SESSION_TIMEOUTS] / 1000;
      return `alter role ${user} set ${name} = '${seconds}s';`;
    });
    return lines.length === 0 ? undefined : lines.join(' ');
  } finally {
    await sql.end({ timeout: 1 });
  }
}
