import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sql } from 'postgres';

/** Rows with one of the texts in them, of every table there is, pg-boss's included: `table: how many`. */
export async function tablesWith(sql: Sql, texts: string[]): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`;
  // Bytes are written as hexadecimal digits where a row is made text.
  const patterns = texts.flatMap((text) => [text, Buffer.from(text).toString('hex')]).map((text) => `%${text}%`);
  const found: string[] = [];
  for (const { name } of tables) {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from ${sql.unsafe(name)} as row
      where row::text like any (array(select jsonb_array_elements_text(${JSON.stringify(patterns)}::text::jsonb)))`;
    if (row && row.count > 0) found.push(`${name}: ${row.count}`);
  }
  return found;
}

/** Files below the directories with one of the texts in their names or in them. */
export function filesWith(directories: string[], texts: string[]): string[] {
  const needles = texts.map((text) => Buffer.from(text));
  return directories.flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => {
        if (texts.some((text) => path.includes(text))) return true;
        const bytes = contentOf(path);
        return needles.some((needle) => bytes.includes(needle));
      }),
  );
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0); // gone meanwhile
  }
}
