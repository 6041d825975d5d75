import type { Readable, Writable } from 'node:stream';
import type { ISql, Sql, TransactionSql } from 'postgres';
import { connect, drizzle } from './driver.ts';
import type { Queryable } from './pools.ts';

/** What runs statements, in a transaction or not. */
export type Statements = ISql;

interface CopyOptions {
  /** without a pooler in between: the transaction may take hours */
  url: string;
  connectTimeoutMs: number;
  applicationName: string;
  /**
   * Reads only, all of it in one snapshot. Called before it, for the tables that are locked first, so that no migration
   * changes them: one that writes a table anew would leave it empty for snapshots from before.
   */
  snapshotOf?: (sql: Statements) => Promise<string[]>;
}

/** A transaction that can stream tables, with a connection of its own. Times are texts, as Postgres writes them. */
export interface CopyTransaction {
  sql: Statements;
  /** the same transaction */
  db: Queryable;
  /** @param what as after COPY: a table and its columns */
  copyOut: (what: string) => Promise<Readable>;
  /** Ended by `end`; `finish` comes when the rows are in the table. @param what as after COPY */
  copyIn(what: string): Promise<Writable>;
}

/** Values are written in the same way by every server, whatever its settings; and nobody ends a slow transaction. */
const SETTINGS = `
  set local client_encoding = 'UTF8'; set local datestyle = 'ISO, YMD'; set local timezone = 'UTC';
  set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local extra_float_digits = 1;
  set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '10s'`;

/** Runs `work` in one transaction, which ends with it. */
export async function inCopyTransaction<T>(
  { url, connectTimeoutMs, applicationName, snapshotOf }: CopyOptions,
  work: (transaction: CopyTransaction) => Promise<T>,
): Promise<T> {
  const client = connect(url, {
    max: 1,
    connect_timeout: connectTimeoutMs / 1_000,
    idle_timeout: 0,
    max_lifetime: null,
    connection: { application_name: applicationName },
  });
  drizzle(client); // sets how values are read, for every statement of the connection
  try {
    const tables = (await snapshotOf?.(client)) ?? [];
    return (await client.begin(snapshotOf ? 'isolation level repeatable read read only' : '', async (sql) => {
      await sql.unsafe(SETTINGS);
      if (tables.length > 0) await sql.unsafe(`lock table ${tables.join(', ')} in access share mode`);
      return work(open(sql, client));
    })) as T;
  } finally {
    await client.end({ timeout: 1 });
  }
}

function open(sql: TransactionSql, client: Sql): CopyTransaction {
  return {
    sql,
    db: drizzle(Object.assign(sql, { options: client.options }) as unknown as Sql),
    copyOut: (what) => sql.unsafe(`copy ${what} to stdout`).readable(),
    copyIn: (what) => sql.unsafe(`copy ${what} from stdin`).writable(),
  };
}
