import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import { notifySql } from '../db/notifier.ts';
import type { Queryable } from '../db/pools.ts';
import { prepared } from '../db/prepared.ts';
import { file, fileChunk, job, jobAttempt, part, unownedFile, usageHistory } from '../db/schema.ts';
import { PDF_TYPE } from '../domain/media-type.ts';
import type { PrintReport } from '../domain/outcome.ts';
import { completion } from '../queue/boss.ts';
import { altered } from '../storage/postgres-store.ts';
import type { Stores } from '../storage/stores.ts';
import { type ClaimedJob, isItem } from './claim.ts';
import type { ResultFiles } from './put-files.ts';
import { REDACTED_REQUEST, REDACTED_URL, WITHOUT_DOCUMENT, WITHOUT_DOCUMENT_OF_ITEM } from './redacted-request.ts';

/** Failed resources that are recorded by name: a document may load thousands. */
const KEPT_FAILURES = 20;
/** Missing font families of a job that are kept. */
const KEPT_FONTS = 20;
/** Of a part: what is kept of it, and erased later. */
const HAS_SHOWN = sql`shown is not null`;
const HAS_SHOWN_OR_TITLE = sql`(shown is not null or settings ? 'title')`;

export class StaleClaim extends Error {}

/** Somebody took the bytes for abandoned before the transaction that names them. */
export class BytesAbandoned extends Error {}

interface CompleteDeps {
  stores: Stores;
  /** milliseconds that a PDF is kept whose job says nothing */
  retentionMs: number;
}

interface Completion extends PrintReport {
  result: ResultFiles;
  /** of its only file, if the statement is to save them; otherwise they are saved by others */
  bytes: Uint8Array | undefined;
}

/** The worker's own times, and by the database's clock the time in the queue and in total. @param own JSON */
export function timings(own: string | Placeholder = '{}'): SQL {
  const since = (from: unknown, until: unknown) => sql`round(extract(epoch from ${until} - ${from}) * 1000)::bigint`;
  return sql`jsonb_build_object('queued', ${since(job.createdAt, job.startedAt)}, 'total', ${since(job.createdAt, sql`now()`)}) || ${own}::text::jsonb`;
}

/** What the text of the statement depends on. */
interface Shape {
  ofItem: boolean;
  /** whether it saves the bytes */
  hasBytes: boolean;
  /** whether the bytes are outside the database */
  isOutside: boolean;
}

interface Written {
  own: boolean;
  unowned: number;
  whole: boolean;
  settled: boolean;
}

const statements = new Map<string, ReturnType<typeof prepared<Written>>>();

/** The statement of {@link complete}: its text is made once. */
function statementFor({ ofItem, hasBytes, isOutside }: Shape): ReturnType<typeof prepared<Written>> {
  const key = [ofItem, hasBytes, isOutside].join();
  const known = statements.get(key);
  if (known) return known;
  const value = (name: string) => sql.placeholder(name);
  const made = prepared<Written>(sql`
    with own as materialized (
      select id from ${job} where id = ${value('id')} and status = 'processing' and runs = ${value('run')} for no key update
    ), unowned as materialized (
      ${isOutside ? sql`select id from ${unownedFile} where id = any (${value('ids')}::uuid[]) and job_id = (select id from own) and run = ${value('run')} for update` : sql`select id from own where false`}
    ), sent as materialized (
      ${hasBytes ? sql`select bytes, sha256(bytes) = decode(${value('sha256')}, 'hex') and octet_length(bytes) = ${value('size')} as whole from (select ${value('bytes')}::bytea as bytes) as s` : sql`select null::bytea as bytes, true as whole`}
    ), settled as (
      ${completion(sql`(select id from own)`, value('retryCount'))}
        and (select count(*) from unowned) = ${value('outside')} and (select whole from sent)
      returning id
    ), done as (
      update ${job} set status = 'completed', html = null, request = ${REDACTED_REQUEST}, url = ${REDACTED_URL},
        keeps_parts = ${value('keepsParts')} or exists (select 1 from ${part} where job_id = ${value('id')} and ${ofItem ? HAS_SHOWN_OR_TITLE : HAS_SHOWN}), worker_id = null, completed_at = now(),
        failed_resources = ${value('failedResources')}::text::jsonb, failed_resource_count = ${value('failedResourceCount')},
        missing_fonts = ${value('missingFonts')}::text::jsonb, incomplete = ${value('incomplete')}::text::jsonb,
        timings = ${timings(value('timings'))}
      where id = (select id from settled) returning id, retention_seconds
    ), erased as (
      update ${part} set ${ofItem ? WITHOUT_DOCUMENT_OF_ITEM : WITHOUT_DOCUMENT} where job_id = (select id from done)
    ), kept as (
      insert into ${file} (id, job_id, user_id, position, store, location, size, pages, type, name, part, sha256, expires_at)
      select f.id, done.id, ${value('userId')}, f.position, ${value('store')}, ${value('location')}, f.size, f.pages, f.type,
        f.name, f.part, decode(f.sha256, 'hex'),
        now() + coalesce(done.retention_seconds, ${value('retentionSeconds')}::double precision) * interval '1 second'
      from done, json_to_recordset(${value('files')}::text::json)
        as f (id uuid, position smallint, size bigint, pages integer, type text, name text, part smallint, sha256 text)
      returning id
    ), saved as (
      insert into ${fileChunk} (file_id, seq, bytes) select kept.id, 0, sent.bytes from kept, sent where sent.bytes is not null
    ), owned as (
      delete from ${unownedFile} where id = any (${value('ids')}::uuid[]) and (select count(*) from unowned) > 0 and exists (select from done)
    ), charged as (
      insert into ${usageHistory} as u (user_id, day, completed, pages, bytes)
      select ${value('userId')}, (now() at time zone 'utc')::date, 1, ${value('pages')}, ${value('size')} from done
      on conflict (user_id, day) do update set
        completed = u.completed + 1, pages = u.pages + excluded.pages, bytes = u.bytes + excluded.bytes
    ), ended as (
      update ${jobAttempt} set ended_at = now(), outcome = 'done' where job_id = (select id from done) and run = ${value('run')}
    )
    select exists (select from own) as own, (select count(*)::integer from unowned) as unowned,
      (select whole from sent) as whole, exists (select from settled) as settled, (select ${notifySql('ended', sql`id::text`)} from done)`);
  statements.set(key, made);
  return made;
}

/**
 * Writes a completed job in one statement, to save round trips. Either all of it is written or nothing: the first three
 * only lock and look, and each of the others does nothing without the one that it names.
 *
 * - `own`: locks the job's row, if it is still processing in our run
 * - `unowned`: locks what says that bytes outside the database have no owner
 * - `sent`: the bytes as they have arrived, and whether they are those that were rendered
 * - `settled`: the job's place in the queue
 * - `done`: the job's row. Credentials and the documents are no longer needed. What its pages said is kept, as is what
 *   they said in an earlier run.
 * - `erased`: its parts
 * - `kept`, `saved`: the files, and their bytes
 * - `owned`: the bytes outside the database, which now have an owner
 * - `charged`: the tenant's usage of the day
 * - `ended`: the attempt
 * - the notification
 *
 * @throws StaleClaim, BytesAbandoned, StoreFailure: nothing was written
 */
export async function complete(
  { stores: { current: store }, retentionMs }: CompleteDeps,
  db: Queryable,
  claimed: ClaimedJob,
  { result, bytes, failedResources, missingFonts, incomplete, timings: times, pageReport }: Completion,
): Promise<void> {
  const { id, run, userId, claim } = claimed;
  const { files, ids, pages, size } = result;
  const rows = files.map((each, position) => {
    const { size: length, pages: count, type = PDF_TYPE, name, part: partOf, sha256 } = each.pdf;
    return { id: each.id, position, size: length, pages: count, type, name, part: partOf, sha256 };
  });
  const outside = store.isInDatabase ? 0 : files.length;
  const statement = statementFor({ ofItem: isItem(claimed), hasBytes: bytes !== undefined, isOutside: outside > 0 });
  const [row] = await statement(db, {
    id,
    run,
    userId,
    retryCount: claim.retryCount,
    ids,
    outside,
    bytes,
    sha256: rows[0]?.sha256,
    size,
    pages,
    keepsParts: pageReport !== undefined || run > 1,
    failedResources: JSON.stringify(failedResources.slice(0, KEPT_FAILURES)),
    failedResourceCount: failedResources.length,
    missingFonts: JSON.stringify(missingFonts.slice(0, KEPT_FONTS)),
    incomplete: JSON.stringify(incomplete.slice(0, KEPT_FAILURES)),
    timings: JSON.stringify(times),
    store: store.kind,
    location: store.location,
    retentionSeconds: retentionMs / 1000,
    files: JSON.stringify(rows),
  });
  if (!row?.own) throw new StaleClaim();
  if (row.unowned !== outside) throw new BytesAbandoned();
  if (!row.whole) throw altered(size);
  if (!row.settled) throw new StaleClaim();
}
