import type { Statements } from '../db/copy-transaction.ts';
import { OperatorError } from '../kernel/errors.ts';
import { readMigrationRows, readTables } from './catalogue.ts';
import type { Manifest } from './manifest.ts';

/** Tables that have rows before anybody has used the service. */
const FILLED_BY_ITSELF = new Set(['pdfprompt_tier', 'pdfprompt_lease', 'pdfprompt_worker', 'pdfprompt_link_key']);

/** @throws OperatorError if the database is used, or has been */
export async function checkEmpty(sql: Statements): Promise<void> {
  const others = await sql<{ name: string }[]>`
    select distinct application_name as name from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'pdfprompt%'
      and application_name not in ('pdfprompt restore', 'pdfprompt migrate') -- our own, which may be about to end
    order by 1`;
  const [other] = others.map(({ name }) => name);
  if (other !== undefined)
    throw new OperatorError(`Another process uses this database (${other}). Stop every process of pdfprompt first.`);
  for (const { name } of await readTables(sql)) {
    if (FILLED_BY_ITSELF.has(name)) continue;
    const [row] = await sql`select 1 from ${sql(name)} limit 1`;
    if (row)
      throw new OperatorError(
        `The database is not empty: there are rows in ${name}. A backup is restored into an empty one. For your own Postgres: createdb. For the embedded one: move its data directory, which \`pdfprompt doctor\` names.`,
      );
  }
}

/** @throws OperatorError if the database has another schema than the backup */
export async function checkSchema(sql: Statements, { tables, migrations, version }: Manifest): Promise<void> {
  const had = new Set(migrations.map((migration) => migration.version));
  const more = (await readMigrationRows(sql)).filter((migration) => !had.has(migration.version));
  if (more.length > 0)
    throw new OperatorError(
      `The database was migrated further than the backup, which pdfprompt ${version} made: ${more.map(({ name }) => name).join(', ')}. Restore into a database without tables; they are made, and migrated afterwards.`,
    );
  const found = new Map((await readTables(sql)).map(({ name, columns }) => [name, columns]));
  for (const { name, columns } of tables) {
    const missing = columns.filter((column) => !found.get(name)?.includes(column));
    if (missing.length > 0)
      throw new OperatorError(`The database has no ${name} (${missing.join(', ')}), which is in the backup.`);
  }
}

/** @throws OperatorError if this program does not know every migration of the backup */
export function checkMigrations(manifest: Manifest, known: Manifest['migrations']): void {
  const hashes = new Map(known.map(({ version, sha256 }) => [version, sha256]));
  const unknown = manifest.migrations.find(({ version, sha256 }) => hashes.get(version) !== sha256);
  if (unknown)
    throw new OperatorError(
      `pdfprompt ${manifest.version} made the backup, with the migration ${unknown.name}, which this version does not have. Restore it with that version, or a later one.`,
    );
}
