import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import { usersByEmail } from '../accounts/users-by-email.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import { type AccessPath, accessPathsOf, pathOfAll, type PathOrder, type Place, type Scope } from './access-paths.ts';
import { idRangeOf } from './id-range.ts';
import { conditionsLeft } from './job-conditions.ts';
import { wantedTerms, withValues } from './job-terms.ts';
import { placeOf, placeText } from './place-text.ts';

interface FindInput {
  filter: JobFilter;
  /** jobs of a page */
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
  /** no job changes its place between two pages, so that none is missed; more may have to be read */
  isStable?: boolean;
}

export interface PageOfIds {
  ids: string[];
  /** the cursor of the next page; null: there is none */
  next: string | null;
  /** in which the ids are */
  order: PathOrder;
  /** jobs that were looked at */
  searched: number;
}

/** Jobs that are looked at for one page, where not each of them fits. */
const WINDOW = 1_000;
/** The same where jobs follow each other as they do in the table. */
const WINDOW_OF_ALL = 5_000;
/** Rows of all lists that are merged, and of each at least. */
const MERGED = 10_000;
const OF_EACH = 101;
/** Up to which the ways to read a filter's jobs are compared. */
const COMPARED = 500;
/** Users whose emails begin alike and whose jobs are looked for user by user. */
const MAX_USERS = 100;
/** More are looked up job by job. */
const MAX_HOLDERS = 1_000;
/** In these a job may change its place: the end of a pause sets another time. */
const MOVING: ReadonlySet<PathOrder> = new Set(['created', 'run']);
/** Of each list that is merged, to tell how far apart its jobs are. */
const SAMPLE = 20;

/**
 * The ids of a page of a filter's jobs: by the index of which the least has to be read, newest first, unless that index has
 * another order. What the index does not say is checked job by job, of a bounded number, so that a page may be short, or empty,
 * and not be the last: the next one goes on from there.
 * @param tenant for whom it is read; his jobs only
 * @throws CodedError `invalid_request` for a cursor that is none
 */
export async function pageOfIds(
  db: Queryable,
  { filter, limit, cursor, isStable = false }: FindInput,
  tenant?: string,
): Promise<PageOfIds> {
  const after = cursor === undefined ? undefined : placeOf(cursor);
  const scope = await readScope(db, filter, tenant);
  if (!scope) return { ids: [], next: null, order: 'id', searched: 0 };
  const isMeant = ({ order }: AccessPath) => (after ? order === after.order : !isStable || !MOVING.has(order));
  const path = await choosePath(db, scope, isMeant);
  return readPage(db, scope, path, limit, after);
}

/** @returns undefined if no job can fit */
async function readScope(db: Queryable, filter: JobFilter, tenant: string | undefined): Promise<Scope | undefined> {
  const { user, email } = filter;
  let users = tenant === undefined ? (user === undefined ? undefined : [user]) : [tenant];
  let holders: string[] | undefined;
  if (email !== undefined && !users) {
    const found = (await usersByEmail(db, email, MAX_HOLDERS + 1)).map(({ id }) => id);
    if (found.length === 0) return undefined;
    if (found.length <= MAX_USERS) users = found;
    else if (found.length <= MAX_HOLDERS) holders = found;
  }
  const reader = tenant === undefined ? undefined : forTenant(tenant);
  const own = users?.length === 1 ? users[0] : undefined;
  const terms = [];
  for (const term of wantedTerms(filter)) terms.push(await withValues(db, term, { user: own, reader }));
  if (terms.some(({ upTo, values }) => upTo !== undefined && values.length === 0)) return undefined;
  return { filter, range: idRangeOf(filter), users, holders, terms, reader };
}

/**
 * The path with the fewest rows of those that are meant, as the ones in the order of the page before. Of those with many, one that has an end soon, as the queue
 * and a batch have; or else the one whose jobs are the furthest apart: of the same place in each, its job is the oldest.
 */
async function choosePath(db: Queryable, scope: Scope, isMeant: (path: AccessPath) => boolean): Promise<AccessPath> {
  const paths = accessPathsOf(scope).filter(isMeant);
  const [first, ...others] = paths;
  if (!first) return pathOfAll(scope);
  if (others.length === 0) return first;
  const ofEach = ({ streams }: AccessPath) => Math.max(SAMPLE, Math.ceil(COMPARED / streams));
  const sample = Math.min(...paths.map(ofEach));
  const counts = paths.map((path, index) => {
    const rank = path.order === 'id' ? 1 : path.order === 'value' ? 2 : 0;
    const reach = rank === 1 ? sql`(array_agg(id order by id desc))[${sql.raw(String(sample))}]` : sql`null::uuid`;
    // With as many as one list may give, some list may have gone on.
    const count = sql.raw(`case when count(*) < ${ofEach(path)} then count(*)::integer else ${COMPARED} end as count`);
    return sql`select ${sql.raw(`${index} as place, ${rank} as rank`)}, ${count}, ${reach} as reach
      from (${path.rows(COMPARED, undefined, ofEach(path))}) as found`;
  });
  const found = await db.execute<{ place: number }>(
    sql`select place from (${sql.join(counts, sql` union all `)}) as compared order by count, rank, reach, place limit 1`,
  );
  return paths[found[0]?.place ?? 0] ?? first;
}

interface Row extends Record<string, unknown> {
  id: string;
  key: string | null;
  place: number;
  isEnd: boolean;
}

async function readPage(
  db: Queryable,
  scope: Scope,
  path: AccessPath,
  limit: number,
  after: Place | undefined,
): Promise<PageOfIds> {
  const left = conditionsLeft(scope, path.covers);
  const wanted = left.length === 0 ? limit + 1 : Math.max(limit + 1, windowOf(path));
  const window = path.streams === 1 ? wanted : Math.min(wanted, Math.max(OF_EACH, Math.floor(MERGED / path.streams)));
  const order = path.order;
  const here = path.isOfJobs && left.length > 0 ? sql`(${sql.join(left, sql` and `)}) is true` : undefined;
  // Rows of a path come in its order, and the nested loop keeps it: what is not needed for the page is not looked at.
  const rows = await db.execute<Row>(sql`
    with path as materialized (select id, key, fits, row_number() over () as place from (${path.rows(window, after, window, here)}) as found),
    fitting as materialized (select path.id, path.key, path.place from path${here ? sql`` : fits(left)} where path.fits limit ${literal(limit + 1)})
    select id, key, place::integer, false as "isEnd" from fitting
    union all (select id, key, place::integer, true from path
      where (select count(*) from fitting) <= ${literal(limit)} order by place desc limit 1)
    order by "isEnd", place`);
  const fitting = rows.filter((row) => !row.isEnd);
  const page = fitting.slice(0, limit);
  const end = rows.find((row) => row.isEnd);
  const isWhole = fitting.length > limit;
  const last = isWhole ? page.at(-1) : end?.place === window ? end : undefined;
  return {
    ids: page.map(({ id }) => id),
    next: last ? placeText({ id: last.id, order, key: last.key }) : null,
    order,
    searched: (end ?? fitting.at(-1))?.place ?? 0,
  };
}

const literal = (number: number) => sql.raw(String(number));

/** The window of a path. */
const windowOf = ({ covers }: AccessPath) => (covers.length === RANGE_FIELDS ? WINDOW_OF_ALL : WINDOW);
const RANGE_FIELDS = 3;

const fits = (conditions: readonly SQL[]) =>
  conditions.length === 0
    ? sql``
    : sql`, lateral (select 1 from pdfprompt_job j where j.id = path.id and ${sql.join([...conditions], sql` and `)} limit 1) as job`;
