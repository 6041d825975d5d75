import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import type { EventType } from '../domain/event-type.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { noWebhook, type OFF_REASONS } from './webhook.ts';

/** An endpoint in a list over all tenants, and how it is. */
export interface ListedWebhook {
  id: string;
  userId: string;
  email: string;
  /** without its query, which may be a credential */
  url: string;
  description: string | null;
  events: EventType[];
  createdAt: Date;
  /** of the last success */
  deliveredAt: Date | null;
  /** the first failure since the last success */
  failingSince: Date | null;
  offSince: Date | null;
  offReason: (typeof OFF_REASONS)[number] | null;
  /** deliveries that are still to be sent: {@link MOST_COUNTED} may be more */
  pending: number;
  /** that have failed for good: as many at most */
  failed: number;
}

type Times = 'createdAt' | 'deliveredAt' | 'failingSince' | 'offSince';
type Row = Omit<ListedWebhook, Times> & Record<Times, string | null>;

interface SearchInput {
  /** only theirs */
  userId?: string | undefined;
  /** only those with which something is wrong; not those that their owners turned off */
  inTrouble?: boolean | undefined;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** Deliveries of one endpoint that are counted at most, in each state: each may be a page of the table. */
export const MOST_COUNTED = 100;

/** As the index has it that holds them (sql/0035_webhook_troubles.sql). */
const IN_TROUBLE = sql`w.deleted_at is null and (w.failing_since is not null or w.off_reason in ('gone', 'failing'))`;

/** A page of endpoints of all tenants, or of one, newest first. */
export async function searchWebhooks(
  db: Queryable,
  { userId, inTrouble, limit, cursor }: SearchInput,
): Promise<{ webhooks: ListedWebhook[]; next: string | null }> {
  const which = sql`${inTrouble ? IN_TROUBLE : sql`w.deleted_at is null`}
    and ${userId === undefined ? sql`true` : sql`w.user_id = ${userId}`}
    and ${cursor === undefined ? sql`true` : sql`w.id < ${cursor}`}`;
  const rows = await listed(db, which, limit + 1);
  const webhooks = rows.slice(0, limit);
  return { webhooks, next: rows.length > limit ? (webhooks.at(-1)?.id ?? null) : null };
}

/** One endpoint of any tenant. @throws CodedError `not_found` */
export async function findWebhook(db: Queryable, id: string): Promise<ListedWebhook> {
  const [found] = isUuid(id) ? await listed(db, sql`w.deleted_at is null and w.id = ${id}`, 1) : [];
  if (!found) throw noWebhook();
  return found;
}

/** @param which of them are counted, in words that an index has (sql/0037_delivery_states.sql) */
const counted = (which: SQL) => sql`(select count(*)::integer from (
  select 1 from pdfprompt_delivery d where d.webhook_id = w.id and ${which} limit ${sql.raw(String(MOST_COUNTED))}) as counted)`;

/** @param limit as a literal: a generic plan assumes that a parameter returns a tenth of the table */
async function listed(db: Queryable, which: SQL, limit: number): Promise<ListedWebhook[]> {
  const rows = await db.execute<Row>(sql`
    select w.id, w.user_id as "userId", u.email, w.url, w.description, to_json(w.events) as events, w.created_at as "createdAt",
      w.delivered_at as "deliveredAt", w.failing_since as "failingSince", w.off_since as "offSince",
      w.off_reason as "offReason",
      ${counted(sql`d.status in ('awaiting', 'ready', 'sending', 'waiting')`)} as pending,
      ${counted(sql`d.status = 'failed'`)} as failed
    from (select * from pdfprompt_webhook w where ${which} order by w.id desc limit ${sql.raw(String(Math.trunc(limit)))}) as w
    join pdfprompt_user u on u.id = w.user_id
    order by w.id desc`);
  return [...rows].map(({ createdAt, deliveredAt, failingSince, offSince, ...row }) => ({
    ...row,
    url: shownUrl(row.url),
    createdAt: new Date(createdAt ?? 0),
    deliveredAt: dateOf(deliveredAt),
    failingSince: dateOf(failingSince),
    offSince: dateOf(offSince),
  }));
}

const dateOf = (text: string | null) => (text === null ? null : new Date(text));

/** Endpoints that an operator should look at; each up to {@link MOST_TROUBLES}. */
export interface WebhookTroubles {
  /** without a success for an hour or more, and still on */
  failing: number;
  /** switched off in the last week because they were gone or failed for too long: not for ever, as some are forgotten */
  switchedOff: number;
}

export const MOST_TROUBLES = 1_000;

export async function readWebhookTroubles(db: Queryable): Promise<WebhookTroubles> {
  const count = (which: SQL) => sql`(select count(*)::integer from (
    select 1 from pdfprompt_webhook w where ${IN_TROUBLE} and ${which} limit ${sql.raw(String(MOST_TROUBLES))}) as found)`;
  const [row] = await db.execute<{ failing: number; switched_off: number }>(sql`
    select ${count(sql`w.off_since is null and w.failing_since < now() - interval '1 hour'`)} as failing,
      ${count(sql`w.off_since > now() - interval '7 days' and w.off_reason <> 'asked'`)} as switched_off`);
  return { failing: row?.failing ?? 0, switchedOff: row?.switched_off ?? 0 };
}
