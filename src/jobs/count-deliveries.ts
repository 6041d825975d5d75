import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { type DeliveryKind, DELIVERY_KINDS } from '../domain/delivery.ts';
import { type DeliveryFigures, MOST_COUNTED_DELIVERIES } from '../domain/delivery-figures.ts';

/** Literals, so that the partial indexes of what is ready match, one for each kind. */
const isReady = (kind: DeliveryKind) => sql.raw(`status = 'ready' and kind = '${kind}'`);

const countOf = (which: SQL) =>
  sql`(select count(*)::integer from (
    select 1 from pdfprompt_delivery where ${which} limit ${sql.raw(String(MOST_COUNTED_DELIVERIES))}) as counted)`;

/** Goes from one tenant and host to the next by the index, and looks at the oldest of each only. */
const oldestOf = (kind: DeliveryKind) =>
  sql`(with recursive oldest as (
    (select user_id, host, ready_at from pdfprompt_delivery where ${isReady(kind)} order by user_id, host, ready_at limit 1)
    union all
    select next.* from oldest, lateral (
      select d.user_id, d.host, d.ready_at from pdfprompt_delivery d
      where ${isReady(kind)} and (d.user_id, d.host) > (oldest.user_id, oldest.host)
      order by d.user_id, d.host, d.ready_at limit 1
    ) as next
  ) select min(ready_at) from oldest)`;

/** What is still to be sent. */
export async function countDeliveries(db: Queryable): Promise<DeliveryFigures> {
  const [row] = await db.execute<{ ready: number; sending: number; waiting: number; seconds: number | null }>(sql`
    select ${sql.join(
      DELIVERY_KINDS.map((kind) => countOf(isReady(kind))),
      sql` + `,
    )} as ready, ${countOf(sql`status = 'sending'`)} as sending,
      ${countOf(sql`status = 'waiting'`)} as waiting,
      extract(epoch from clock_timestamp() - least(${sql.join(DELIVERY_KINDS.map(oldestOf), sql`, `)}))::double precision as seconds`);
  if (!row) throw new Error('the deliveries could not be counted');
  const { seconds, ...counts } = row;
  return { ...counts, oldestReadySeconds: Math.max(0, seconds ?? 0) };
}
