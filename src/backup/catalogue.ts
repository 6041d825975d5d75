import type { Statements } from '../db/copy-transaction.ts';
import type { Manifest } from './manifest.ts';

/** Tables that are not in a backup: the migrations write them. */
const OF_MIGRATIONS = 'pdfprompt\\_migration%';

/** Ours, whatever release made them: what a migration adds is in the next backup. */
const OURS = `
  c.relnamespace = (select relnamespace from pg_class where oid = to_regclass('pdfprompt_job'))
  and c.relkind = 'r' and c.relname like 'pdfprompt\\_%' and c.relname not like '${OF_MIGRATIONS}'`;

/** Empty if this is no database of ours. */
export async function readTables(sql: Statements): Promise<Manifest['tables']> {
  return sql.unsafe<Manifest['tables']>(`
    select c.relname as name, json_agg(a.attname order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where ${OURS} and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    group by c.relname order by c.relname`);
}

export async function readMigrationRows(sql: Statements): Promise<Manifest['migrations']> {
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class c
    where relkind = 'r' and relname like ${OF_MIGRATIONS}
      and relnamespace = (select relnamespace from pg_class where oid = to_regclass('pdfprompt_job'))`;
  const rows: Manifest['migrations'] = [];
  for (const { name } of tables)
    rows.push(...(await sql<Manifest['migrations']>`select version, name, sha256 from ${sql(name)}`));
  return rows.map((row) => ({ ...row })).toSorted((a, b) => a.version - b.version);
}

/** A sequence does not belong to the snapshot: what it gives next was never given in it. */
export async function readSequences(sql: Statements): Promise<Manifest['sequences']> {
  const found = await sql.unsafe<{ name: string }[]>(`
    select c.relname as name from pg_class c
    where c.relnamespace = (select relnamespace from pg_class where oid = to_regclass('pdfprompt_job'))
      and c.relkind = 'S' and c.relname like 'pdfprompt\\_%'
    order by 1`);
  const sequences: Manifest['sequences'] = [];
  for (const { name } of found) {
    const [row] = await sql<
      { next: string }[]
    >`select (last_value + is_called::integer)::text as next from ${sql(name)}`;
    sequences.push({ name, next: row?.next ?? '1' });
  }
  return sequences;
}

/** What is taken away while tables are filled, and made again as it was. */
export interface Suspended {
  suspend: string;
  resume: string;
}

/**
 * What would check, copy or announce each row that is loaded: foreign keys, triggers, and row-level security, under which
 * an owner may not COPY. Also the indexes that are no constraints, as it is faster to make them once.
 * In the order in which they have to be suspended.
 */
export async function readSuspended(sql: Statements): Promise<Suspended[]> {
  return sql.unsafe<Suspended[]>(`
    select suspend, resume from (
      select 1 as turn, c.relname as name, format('alter table %I drop constraint %I', c.relname, k.conname) as suspend,
        format('alter table %I add constraint %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) as resume
      from pg_constraint k join pg_class c on c.oid = k.conrelid
      where ${OURS} and k.contype = 'f'
      union all
      select 2, t.tgname, format('alter table %I disable trigger %I', c.relname, t.tgname),
        format('alter table %I enable trigger %I', c.relname, t.tgname)
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where ${OURS} and not t.tgisinternal and t.tgenabled = 'O'
      union all
      select 3, c.relname, format('alter table %I no force row level security', c.relname),
        format('alter table %I force row level security', c.relname)
      from pg_class c where ${OURS} and c.relforcerowsecurity
      union all
      select 4, i.relname, format('drop index %I', i.relname), pg_get_indexdef(i.oid)
      from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
      where ${OURS} and not x.indisprimary and not exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype <> 'f')
    ) as found order by turn, name`);
}
