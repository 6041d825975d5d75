import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { connect, PostgresError } from '../../src/db/driver.ts';
import { openPool, type Pool } from '../../src/db/pools.ts';
import { inject } from 'vitest';
import { undoLater } from './clean-up.ts';

export interface TestDatabase {
  url: string;
  sql: Sql;
}

/** A database of the test file's own, cloned from the migrated template; dropped when the file is done. */
export async function createDatabase({ empty = false }: { empty?: boolean } = {}): Promise<TestDatabase> {
  const templateUrl = inject('templateUrl');
  const admin = connect(withDatabase(templateUrl, 'postgres'), { max: 1 });
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  const template = empty ? 'template1' : new URL(templateUrl).pathname.slice(1);
  for (let tries = 0; ; tries++) {
    try {
      await admin.unsafe(`create database ${name} template ${template}`);
      break;
    } catch (error) {
      // another file is cloning at this moment
      if (!(error instanceof PostgresError) || error.code !== '55006' || tries > 100) throw error;
      await sleep(50);
    }
  }
  // As the migration of the template has set it there (sql/0033_sql_client.sql): settings are not cloned.
  if (!empty) await admin.unsafe(`alter role current_user in database ${name} set search_path = public`);
  const url = withDatabase(templateUrl, name);
  const sql = connect(url, { max: 2 });
  undoLater(async () => {
    await sql.end({ timeout: 1 });
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end({ timeout: 1 });
  });
  return { url, sql };
}

/** The verbs' way to a database. To be closed by who opens it. */
export function openTestPool(url: string, max = 1): Pool {
  return openPool({
    url,
    max,
    applicationName: 'test',
    idleTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    prepare: false, // so that a pooler may be in between
  });
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
