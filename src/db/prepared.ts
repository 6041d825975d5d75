import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Queryable } from './pools.ts';

/** By the names of the placeholders. */
type Values = Record<string, unknown>;

/**
 * A statement whose text is made once. Drizzle takes longer to make the text of a short statement than Postgres takes
 * to run it.
 * @param statement has `sql.placeholder(NAME)` for each value
 * @returns runs it; drizzle throws if a value is missing
 */
export function prepared<Row>(statement: SQL): (db: Queryable, values: Values) => Promise<Row[]> {
  const query = new PgDialect().sqlToQuery(statement);
  return async (db, values) =>
    (await db._.session.prepareQuery(query, undefined, undefined, false).execute(values)) as Row[];
}

/** The same for a query that drizzle reads the rows of: it is made once for each database or transaction. */
export function preparedQuery<Rows>(
  make: (db: Queryable) => { execute: (values: Values) => Promise<Rows> },
): (db: Queryable, values: Values) => Promise<Rows> {
  const made = new WeakMap<Queryable, ReturnType<typeof make>>();
  return (db, values) => {
    const query = made.get(db) ?? make(db);
    made.set(db, query);
    return query.execute(values);
  };
}
