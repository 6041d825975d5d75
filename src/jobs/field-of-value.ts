import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { afterPrefix } from '../domain/after-prefix.ts';

/** Names that are looked at. Metadata whose keys are values themselves has more than anybody looks for. */
const MAX_NAMES = 200;

/**
 * In which field of a filter some job has a value: an entry of the metadata, or the beginning of one, the beginning of the
 * filename, or the name of a template. What is a whole value comes first.
 * @param text a `*` at its end is left out
 * @returns the field and its value, as an address has them; undefined if no job has such a value
 */
export async function fieldOfValue(db: Queryable, text: string): Promise<Record<string, string> | undefined> {
  const start = text.replace(/\*$/, '');
  if (start === '') return undefined;
  const template = `${start}@`;
  const [found] = await db.execute<{ name: string; is_whole: boolean }>(sql`
    with recursive known (name, number) as (
      (select name, 1 from pdfprompt_job_term order by name limit 1)
      union all
      select (select t.name from pdfprompt_job_term t where t.name > known.name order by t.name limit 1), number + 1
        from known where known.name is not null and number < ${sql.raw(String(MAX_NAMES))}
    )
    select known.name, value.value = ${text} as is_whole from known, lateral (
      select t.value from pdfprompt_job_term t
      where t.name = known.name
        and t.value >= case known.name when 'template' then ${template} else ${start} end
        and t.value < case known.name when 'template' then ${afterPrefix(template)} else ${afterPrefix(start)} end
      order by t.value limit 1
    ) as value
    order by value.value <> ${text}, known.name like 'metadata.%', known.name limit 1`);
  if (found === undefined) return undefined;
  const isPlain = found.name === 'filename' || found.name === 'template' || found.is_whole;
  return { [found.name]: isPlain ? start : `${start}*` };
}
