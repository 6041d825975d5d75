import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';

/** A template in a list over all tenants. */
export interface ListedTemplate {
  id: string;
  userId: string;
  email: string;
  name: string;
  /** number of the newest version */
  latest: number;
  /** of the newest version; null if that was deleted */
  description: string | null;
  /** of the newest version; ISO 8601 in UTC */
  changedAt: string | null;
}

interface SearchInput {
  userId?: string | undefined;
  /** the beginning of the name */
  start?: string | undefined;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** Templates that are looked through for one page, newest first: no index has the names of all tenants. */
const WINDOW = 5_000;

const number = (value: number) => sql.raw(String(Math.trunc(value)));

const select = (templates: SQL) => sql`
  select t.id, t.user_id as "userId", u.email, t.name, t.latest, v.description, pdfprompt_time_text(v.created_at) as "changedAt"
  from (${templates}) as t
  join pdfprompt_user u on u.id = t.user_id
  left join pdfprompt_template_version v on v.template_id = t.id and v.version = t.latest and v.deleted_at is null
  order by t.id desc`;

/**
 * A page of the templates of all tenants, or of one, newest first. It may have fewer than `limit`, or none, while there are
 * older ones: then `next` is set all the same.
 */
export async function searchTemplates(
  db: Queryable,
  { userId, start, limit, cursor }: SearchInput,
): Promise<{ templates: ListedTemplate[]; next: string | null }> {
  const within = sql`t.latest > 0 and ${userId === undefined ? sql`true` : sql`t.user_id = ${userId}::uuid`}
    and ${cursor === undefined ? sql`true` : sql`t.id < ${cursor}::uuid`}`;
  const looked = start === undefined ? limit + 1 : WINDOW;
  const rows = await db.execute<ListedTemplate & Record<string, unknown>>(
    select(sql`
      select t.* from (select * from pdfprompt_template t where ${within} order by t.id desc limit ${number(looked)}) as t
      where ${start === undefined ? sql`true` : sql`starts_with(t.name, ${start})`} order by t.id desc limit ${number(limit + 1)}`),
  );
  const templates = rows.slice(0, limit);
  if (rows.length > limit) return { templates, next: templates.at(-1)?.id ?? null };
  return { templates, next: start === undefined ? null : await endOfWindow(db, within) };
}

/** A template of any tenant. @throws CodedError `not_found` */
export async function findTemplate(db: Queryable, id: string): Promise<ListedTemplate> {
  const [row] = isUuid(id)
    ? await db.execute<ListedTemplate & Record<string, unknown>>(
        select(sql`select * from pdfprompt_template where id = ${id}::uuid and latest > 0`),
      )
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such template');
  return row;
}

/** @returns the last template that was looked at, if there are older ones */
async function endOfWindow(db: Queryable, within: SQL): Promise<string | null> {
  const rows = await db.execute<{ id: string }>(
    sql`select t.id from pdfprompt_template t where ${within} order by t.id desc offset ${number(WINDOW - 1)} limit 2`,
  );
  return rows.length > 1 ? (rows[0]?.id ?? null) : null;
}
