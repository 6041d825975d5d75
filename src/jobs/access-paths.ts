import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import type { IdRange } from './id-range.ts';
import { type JobTerm, MAX_VALUES } from './job-terms.ts';

/** In which order a path has its jobs: `id` is newest first; `value` and `row` go up, as does `run`. */
export type PathOrder = 'id' | 'created' | 'run' | 'value' | 'row';

/** A place in a path: the job there, and what it is ordered by before its id. */
export interface Place {
  id: string;
  order: PathOrder;
  /** null: nothing */
  key: string | null;
}

/** A way to read jobs by one index, in its order. */
export interface AccessPath {
  order: PathOrder;
  /** fields of the filter that need not be checked again; of `metadata` each key, as `metadata.order` */
  covers: readonly string[];
  /** lists that are merged: so many times as many rows are read */
  streams: number;
  /** its rows are jobs `j`, in its order: what else is asked of them can be checked where they are read */
  isOfJobs: boolean;
  /**
   * `id` and `key` of the next jobs, and whether they `fit`.
   * @param ofEach with fewer of each list that is merged, only so many are sure to be the next ones
   * @param check of the jobs of a path that is of jobs
   */
  rows(limit: number, after?: Place, ofEach?: number, check?: SQL): SQL;
}

/** What a filter is read by. */
export interface Scope {
  filter: JobFilter;
  range: IdRange;
  /** those whose jobs are meant; undefined: all */
  users: readonly string[] | undefined;
  /** of an email that is too many users' for a list of each: these; undefined: even more, or no such email */
  holders: readonly string[] | undefined;
  terms: readonly JobTerm[];
  /** what each statement says of whom it reads for */
  reader: SQL | undefined;
}

const RANGE = ['id', 'after', 'before'];

/** The ways to read what a filter asks for, the most promising first. There is always one. */
export function accessPathsOf(scope: Scope): [AccessPath, ...AccessPath[]] {
  const { users, filter } = scope;
  const [first, ...rest] = [...termPaths(scope), ...errorPaths(scope), ...batchPaths(scope), ...statusPaths(scope)];
  if (users) {
    const own = ofUsers(scope, users);
    return first ? [first, ...rest, ...(filter.status === undefined ? [own] : [])] : [own];
  }
  const all = newestFirst(scope, { from: JOBS, covers: [] });
  const isAllNeeded = !first || (isBounded(scope.range) && [first, ...rest].some(({ order }) => order !== 'id'));
  return first ? [first, ...rest, ...(isAllNeeded ? [all] : [])] : [all];
}

/** One that is in the order of ids, for a place in that order that the paths at hand do not have. */
export function pathOfAll(scope: Scope): AccessPath {
  return scope.users ? ofUsers(scope, scope.users) : newestFirst(scope, { from: JOBS, covers: [] });
}

const isBounded = ({ from, to }: IdRange) => from !== undefined || to !== undefined;

/** A limit as a literal: a generic plan assumes that a parameter returns a tenth of the table. */
const literal = (number: number) => sql.raw(String(Math.trunc(number)));
const all = (conditions: readonly (SQL | undefined)[]) =>
  sql.join(
    conditions.filter((each) => each !== undefined),
    sql` and `,
  );

interface IdOrdered {
  from: SQL;
  /** the column of the job's id */
  id?: SQL;
  where?: SQL | undefined;
  covers: readonly string[];
  /** lists of which each is in the order of ids: an array, and the column that is one of it */
  merged?: { type: SQL; values: readonly string[]; column: SQL };
}

/** The table of jobs, as what is checked calls it. */
const JOBS = sql`pdfprompt_job j`;

function newestFirst({ range, reader }: Scope, { from, id = sql`id`, where, covers, merged }: IdOrdered): AccessPath {
  const list = (limit: number, after?: Place, more?: SQL, check = sql`true`) => {
    const conditions = [
      reader,
      more,
      where,
      range.from === undefined ? undefined : sql`${id} >= ${range.from}::uuid`,
      range.to === undefined ? undefined : sql`${id} <= ${range.to}::uuid`,
      after && sql`${id} < ${after.id}::uuid`,
    ];
    const condition = conditions.some((each) => each !== undefined) ? sql` where ${all(conditions)}` : sql``;
    return sql`select ${id} as id, null::text as key, ${check} as fits from ${from}${condition} order by ${id} desc limit ${literal(limit)}`;
  };
  const [value, ...others] = merged?.values ?? [];
  const isMerged = merged !== undefined && others.length > 0;
  const only = merged && value !== undefined ? sql`${merged.column} = ${value}::${merged.type}` : undefined;
  return {
    order: 'id',
    covers: [...RANGE, ...covers],
    streams: merged?.values.length ?? 1,
    isOfJobs: from === JOBS && !isMerged,
    rows: (limit, after, ofEach = limit, check) =>
      !isMerged
        ? list(limit, after, only, check)
        : // A job that prints two versions of a template is in two lists.
          sql`select list.id, null::text as key, true as fits from unnest(${arrayLiteral(merged.values)}::${merged.type}[]) as wanted,
            lateral (${list(ofEach, after, sql`${merged.column} = wanted`)}) as list
            group by list.id order by list.id desc limit ${literal(limit)}`,
  };
}

/** All jobs of the users, or with the filter's status. */
function ofUsers(scope: Scope, users: readonly string[]): AccessPath {
  const { status } = scope.filter;
  return newestFirst(scope, {
    from: JOBS,
    where: status && sql`status = ${status}`,
    covers: status === undefined ? ['user'] : ['user', 'status'],
    ...userOf(users),
  });
}

function userOf(users: readonly string[]): Pick<IdOrdered, 'merged'> {
  return { merged: { type: sql`uuid`, values: users, column: sql`user_id` } };
}

/** By the job's terms: of one user by theirs, of several by everybody's. */
function termPaths(scope: Scope): AccessPath[] {
  const { users, terms, reader } = scope;
  const [user, ...others] = users ?? [];
  const isOwn = user !== undefined && others.length === 0;
  const covers = isOwn ? ['user'] : [];
  return terms.map(({ field, name, value, upTo, values, isWhole }): AccessPath => {
    const of = isOwn ? sql`user_id = ${user}::uuid and name = ${name}` : sql`name = ${name}`;
    const covered = isWhole ? [...covers, field] : covers;
    const from = sql`pdfprompt_job_term`;
    const id = sql`job_id`;
    if (upTo === undefined)
      return newestFirst(scope, { from, id, where: sql`${of} and value = ${value}`, covers: covered });
    if (values.length <= MAX_VALUES)
      return newestFirst(scope, {
        from,
        id,
        where: of,
        covers: covered,
        merged: { type: sql`text`, values, column: sql`value` },
      });
    return {
      order: 'value',
      covers: covered,
      streams: 1,
      isOfJobs: false,
      rows: (limit, after) => {
        const next = after && sql`(value, job_id) > (${after.key}, ${after.id}::uuid)`;
        const where = all([reader, of, sql`value >= ${value}`, sql`value < ${upTo}`, next]);
        return sql`select job_id as id, value as key, true as fits from pdfprompt_job_term where ${where} order by value, job_id limit ${literal(limit)}`;
      },
    };
  });
}

function errorPaths(scope: Scope): AccessPath[] {
  const { filter, users } = scope;
  if (filter.error === undefined) return [];
  const code = sql`error_code = ${filter.error}`;
  if (users)
    return [
      newestFirst(scope, {
        from: JOBS,
        where: code,
        covers: ['user', 'error'],
        ...userOf(users),
      }),
    ];
  return [newestFirst(scope, { from: JOBS, where: code, covers: ['error'] })];
}

/** The items of a batch in the order of their rows; before them the job that merges them. */
function batchPaths({ filter: { batch, status }, reader }: Scope): AccessPath[] {
  if (batch === undefined) return [];
  const of = sql`batch_id = ${batch}::uuid`;
  // A literal: a partial index does not match a parameter.
  const unsuccessful = status === 'failed' || status === 'cancelled' ? sql.raw(`status = '${status}'`) : undefined;
  return [
    {
      order: 'row',
      covers: ['batch', ...(unsuccessful ? ['status'] : [])],
      streams: 1,
      isOfJobs: false,
      rows: (limit, after) => {
        const next = after && sql`batch_row > ${after.key}::integer`;
        const items = sql`select id, batch_row from pdfprompt_job
          where ${all([reader, of, sql`batch_row is not null`, unsuccessful, next])} order by batch_row limit ${literal(limit)}`;
        const merge = sql`select id, 0 as batch_row from pdfprompt_job
          where ${all([reader, of, sql`batch_row is null`, unsuccessful, after && sql`false`])}`;
        return sql`select id, batch_row::text as key, true as fits from ((${merge}) union all (${items})) as member
          order by batch_row limit ${literal(limit)}`;
      },
    },
  ];
}

/** Of everybody; of completed jobs, which are most of all jobs, there is no index. */
function statusPaths(scope: Scope): AccessPath[] {
  const { filter, users, reader } = scope;
  if (filter.status === undefined) return [];
  if (users) return [ofUsers(scope, users)];
  switch (filter.status) {
    case 'completed':
      return [];
    case 'failed':
    case 'cancelled':
      return [
        newestFirst(scope, {
          from: JOBS,
          where: sql.raw(`status = '${filter.status}'`),
          covers: ['status'],
        }),
      ];
    case 'processing': // no more than there are slots
      return [
        newestFirst(scope, {
          from: sql`(select id, status from pdfprompt_job where worker_id is not null offset 0) as running`,
          where: sql`status = 'processing'`,
          covers: ['status'],
        }),
      ];
    case 'queued': // by the time of acceptance: the index of the queued jobs has no other order
      return [
        {
          order: 'created',
          covers: ['status'],
          streams: 1,
          isOfJobs: false,
          rows: (limit, after) => {
            const next = after && sql`(created_at, id) < (${after.key}::timestamptz, ${after.id}::uuid)`;
            return sql`select id, created_at::text as key, true as fits from pdfprompt_job
              where ${all([reader, sql`status = 'queued'`, next])} order by created_at desc, id desc limit ${literal(limit)}`;
          },
        },
      ];
    case 'scheduled': // the next one first
      return [
        {
          order: 'run',
          covers: ['status'],
          streams: 1,
          isOfJobs: false,
          rows: (limit, after) => {
            const next = after && sql`(run_at, id) > (${after.key}::timestamptz, ${after.id}::uuid)`;
            return sql`select id, run_at::text as key, true as fits from pdfprompt_job
              where ${all([reader, sql`status = 'scheduled'`, next])} order by run_at, id limit ${literal(limit)}`;
          },
        },
      ];
  }
}
