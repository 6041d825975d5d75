import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { afterPrefix } from '../domain/after-prefix.ts';
import type { JobFilter } from '../domain/job-filter.ts';

/** What a filter looks for in `pdfprompt_job_term`. */
export interface JobTerm {
  /** the field of the filter */
  field: string;
  name: string;
  /** all of the value, or its beginning */
  value: string;
  /** the first value that no longer begins so; undefined: `value` is all of it */
  upTo: string | undefined;
  /** of a beginning: the values that there are, up to one more than {@link MAX_VALUES} */
  values: readonly string[];
  /** false: the table has not all of the value, so a job has to be looked at */
  isWhole: boolean;
}

/** Values with one beginning whose jobs can be listed newest first; the jobs of more are listed value by value. */
export const MAX_VALUES = 100;
/** Characters of a value that the table has. */
const LENGTH = 200;

/** The terms of a filter, the one that is likely to be rarest first. */
export function wantedTerms({ metadata = {}, filename, template }: JobFilter): JobTerm[] {
  return [
    ...Object.entries(metadata).map(([key, value]) =>
      value.endsWith('*')
        ? beginning(`metadata.${key}`, `metadata.${key}`, value.slice(0, -1))
        : whole(`metadata.${key}`, `metadata.${key}`, value),
    ),
    ...(filename === undefined ? [] : [beginning('filename', 'filename', filename)]),
    ...(template === undefined
      ? []
      : [
          template.includes('@')
            ? whole('template', 'template', template)
            : beginning('template', 'template', `${template}@`),
        ]),
  ];
}

function whole(field: string, name: string, value: string): JobTerm {
  const characters = Array.from(value); // as Postgres counts them
  const isWhole = characters.length < LENGTH;
  return { field, name, value: characters.slice(0, LENGTH).join(''), upTo: undefined, values: [], isWhole };
}

function beginning(field: string, name: string, value: string): JobTerm {
  const characters = Array.from(value); // as Postgres counts them
  const start = characters.slice(0, LENGTH).join('');
  return { field, name, value: start, upTo: afterPrefix(start), values: [], isWhole: characters.length <= LENGTH };
}

/** The term with the values that begin so, of everybody or of one user: from one to the next, whatever the number of their jobs. */
export async function withValues(
  db: Queryable,
  term: JobTerm,
  { user, reader }: { user: string | undefined; reader: SQL | undefined },
): Promise<JobTerm> {
  const { name, value, upTo } = term;
  if (upTo === undefined) return term;
  const of = sql`${reader ?? sql`true`} and ${user === undefined ? sql`true` : sql`user_id = ${user}::uuid`} and name = ${name}`;
  const rows = await db.execute<{ value: string }>(sql`
    with recursive found (value, number) as (
      (select value, 1 from pdfprompt_job_term where ${of} and value >= ${value} and value < ${upTo} order by value limit 1)
      union all
      select (select value from pdfprompt_job_term
          where ${of} and value > found.value and value < ${upTo} order by value limit 1), number + 1
        from found where found.value is not null and number <= ${sql.raw(String(MAX_VALUES))}
    )
    select value from found where value is not null`);
  return { ...term, values: rows.map((row) => row.value) };
}
