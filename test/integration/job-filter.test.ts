import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobFilter } from '../../src/domain/job-filter.ts';
import { JOB_STATUSES, type JobStatus } from '../../src/domain/job.ts';
import { addItemTerms } from '../../src/jobs/fill-terms.ts';
import { listJobs } from '../../src/jobs/read.ts';
import { countJobs, findJobIds, searchJobs } from '../../src/jobs/search-jobs.ts';
import { startService } from '../support/service.ts';

/** More than are looked at for one page. */
const JOBS = 6_000;
const USERS = ['ann@a.example', 'anna@a.example', 'bob@b.example'];
const START = Date.parse('2026-11-20T00:00:00Z');
const BATCH = '0197b1c2-7a1e-7c3d-9d55-3f0e8a6b4c21';

interface Row {
  id: string;
  user: number;
  status: JobStatus;
  filename: string | null;
  metadata: Record<string, string | number | boolean | null>;
  templates: string[] | null;
  error: string | null;
  tier: string;
  at: number;
  batchRow: number | null;
  retryOf: string | null;
}

const service = await startService();
const { sql, base } = service;
const userIds: string[] = [];
const rows: Row[] = [];

/** A pseudo-random number below n, the same at every run. */
let state = 7;
const below = (n: number) => (state = (state * 48_271) % 2_147_483_647) % n;
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;

beforeAll(async () => {
  for (const email of USERS) {
    const id = uuidv7();
    userIds.push(id);
    await sql`insert into pdfprompt_user (id, email) values (${id}, ${email})`;
  }
  await sql`insert into pdfprompt_batch (id, user_id, result, total, tier, priority, virtual_start)
    values (${BATCH}, ${userIds[0] ?? ''}, 'files', 1, 'starter', 0, 0)`;
  for (let i = 0; i < JOBS; i++) {
    const at = START + i * 60_000;
    const status = below(4) ? 'completed' : oneOf(JOB_STATUSES.filter((each) => each !== 'processing'));
    const user = below(10) ? below(2) : 2;
    rows.push({
      id: uuidv7({ msecs: at }),
      user,
      status,
      filename: oneOf([null, 'invoice', 'invoice-7', `report ${i}`, '50%_off']),
      metadata: {
        ...(below(2) && { order: `A-${i}` }),
        ...(below(2) && { country: oneOf(['DE', 'FR']) }),
        ...(below(9) ? {} : { n: 17, no: null, yes: true }),
      },
      templates: oneOf([null, ['invoice@1'], ['invoice@2', 'invoice@10'], ['invoices@1']]),
      error: status === 'failed' ? oneOf(['render_timeout', 'poison']) : null,
      tier: oneOf(['starter', 'enterprise']),
      at,
      batchRow: user === 0 && below(5) === 0 ? i : null,
      retryOf: below(6) ? null : (rows.slice(-10).find((row) => row.user === user)?.id ?? null),
    });
  }
  const json = JSON.stringify(rows.map((row) => ({ ...row, user: userIds[row.user], ms: row.at })));
  await sql`insert into pdfprompt_job (id, user_id, status, priority, request, filename, metadata, templates, error_code, tier,
      created_at, run_at, started_at, completed_at, batch_id, batch_row, retry_of, worker_id)
    select id, "user", status, 0, '{}', filename, metadata, templates, error, tier, at, case when status = 'scheduled' then at end, case when status in ('completed', 'failed') then at end,
      case when status in ('completed', 'failed', 'cancelled') then at end,
      case when "batchRow" is not null then ${BATCH}::uuid end, "batchRow", "retryOf", null
    from (select r.*, to_timestamp(r.ms / 1000.0) as at from jsonb_to_recordset(${json}::text::jsonb) as r (id uuid, "user" uuid, status text, filename text, metadata jsonb,
      templates text[], error text, tier text, "batchRow" integer, "retryOf" uuid, ms bigint)) as r`;
  while ((await addItemTerms(base.db)) > 0);
});

/** What the filter means, in other words. */
function fits(row: Row, filter: JobFilter): boolean {
  const {
    status,
    user,
    email,
    id,
    filename,
    metadata = {},
    error,
    tier,
    template,
    batch,
    after,
    before,
    retried,
  } = filter;
  const isRetried = () => rows.some(({ retryOf }) => retryOf === row.id);
  const text = (key: string) =>
    row.metadata[key] === null || row.metadata[key] === undefined ? undefined : String(row.metadata[key]);
  return (
    (status === undefined || row.status === status) &&
    (user === undefined || userIds[row.user] === user) &&
    (email === undefined || (USERS[row.user] ?? '').startsWith(email)) &&
    (id === undefined || row.id.startsWith(id)) &&
    (filename === undefined || Boolean(row.filename?.startsWith(filename))) &&
    Object.entries(metadata).every(([key, value]) =>
      value.endsWith('*') ? text(key)?.startsWith(value.slice(0, -1)) : text(key) === value,
    ) &&
    (error === undefined || row.error === error) &&
    (tier === undefined || row.tier === tier) &&
    (template === undefined ||
      Boolean(
        row.templates?.some((each) => (template.includes('@') ? each === template : each.startsWith(`${template}@`))),
      )) &&
    (batch === undefined || (batch === BATCH && row.batchRow !== null)) &&
    (after === undefined || row.at >= Date.parse(after)) &&
    (before === undefined || row.at < Date.parse(before)) &&
    (retried === undefined || isRetried() === retried)
  );
}

/** Something for every field, of which most jobs have it, few, or none. */
const CHOICES: { [K in keyof JobFilter]-?: () => JobFilter[K] } = {
  status: () => oneOf(JOB_STATUSES.filter((status) => status !== 'processing')),
  user: () => oneOf(userIds),
  email: () => oneOf(['ann', 'anna', 'b', 'zoe', 'ann@a.example']),
  id: () => oneOf([rows[below(JOBS)]?.id.slice(0, 8 + below(5)), rows[below(JOBS)]?.id, 'ffff']),
  filename: () => oneOf(['invoice', 'invoice-', 'report', 'report 1', '50%', '%', 'x']),
  metadata: () =>
    oneOf([
      { order: `A-${below(JOBS)}` },
      { order: 'A-*' },
      { order: 'A-12*', country: 'DE' },
      { country: 'F*' },
      { country: 'DE', n: '17' },
      { no: 'null' },
      { yes: 'true' },
    ] as Record<string, string>[]),
  error: () => oneOf(['render_timeout', 'poison', 'print_failed'] as const),
  tier: () => oneOf(['starter', 'enterprise', 'x']),
  template: () => oneOf(['invoice', 'invoice@1', 'invoice@2', 'invoice@3', 'invoices', 'in']),
  batch: () => oneOf([BATCH, uuidv7()]),
  after: () => new Date(START + below(JOBS) * 60_000).toISOString(),
  before: () => new Date(START + below(JOBS) * 60_000).toISOString(),
  retried: () => below(2) === 0,
};
const FIELDS = Object.keys(CHOICES) as (keyof JobFilter)[];
const withFields = (fields: readonly (keyof JobFilter)[]): JobFilter =>
  Object.fromEntries(fields.map((field) => [field, CHOICES[field]()]));

const NONE = { missing: [], tooMany: [], twice: 0 };
function difference(found: string[], meant: string[]): Record<keyof typeof NONE, unknown> {
  const [known, wanted] = [new Set(found), new Set(meant)];
  return {
    missing: meant.filter((id) => !known.has(id)).slice(0, 3),
    tooMany: found.filter((id) => !wanted.has(id)).slice(0, 3),
    twice: found.length - known.size,
  };
}

type Page = (cursor: string | undefined) => Promise<{ ids: string[]; next: string | null }>;

async function walk(page: Page): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; ; pages++) {
    const { ids, next } = await page(cursor);
    found.push(...ids);
    if (next === null) return found;
    expect(pages).toBeLessThan(JOBS);
    cursor = next;
  }
}

const everybodys = (filter: JobFilter, limit: number) =>
  walk(async (cursor) => {
    const { found, next } = await findJobIds(base.adminDb, { filter, limit, cursor });
    return { ids: found.map(({ id }) => id), next };
  });
const ofTenant = (userId: string, filter: JobFilter, limit: number) =>
  walk(async (cursor) => {
    const { data, nextCursor } = await listJobs(base.reads, { userId, filter, limit, cursor });
    return { ids: data.map(({ id }) => id), next: nextCursor };
  });

describe('what a filter finds', () => {
  const one = FIELDS.map((field) => [field]);
  const two = FIELDS.flatMap((a, index) => FIELDS.slice(index + 1).map((b) => [a, b]));
  const more = Array.from({ length: 60 }, () => FIELDS.filter(() => below(4) === 0));

  it.each([
    ['one field', one],
    ['two fields', two],
    ['several', more],
  ])('is what fits it, each once, page by page: %s', async (_, all) => {
    for (const fields of all) {
      const filter = withFields(fields);
      const meant = rows.filter((row) => fits(row, filter)).map(({ id }) => id);
      const found = await everybodys(filter, 37 + below(2_000));
      expect({ filter, ...difference(found, meant) }).toEqual({ filter, ...NONE });
    }
  });

  it('is in the order that the page says', async () => {
    for (const fields of [...one, ...two]) {
      const filter = withFields(fields);
      const { jobs, order } = await searchJobs(base.adminDb, { filter, limit: 200 });
      const ids = jobs.map(({ id }) => id);
      if (order === 'id') expect(ids).toEqual(ids.toSorted().toReversed());
      if (order === 'row') expect(ids).toEqual(ids.toSorted());
    }
  });

  it("of a tenant's own jobs is what fits it", async () => {
    for (const fields of [...one, ...two.filter(() => below(5) === 0)]) {
      const filter = withFields(fields.filter((field) => field !== 'user' && field !== 'email'));
      for (const [user, userId] of userIds.entries()) {
        const meant = rows.filter((row) => row.user === user && fits(row, filter)).map(({ id }) => id);
        const found = await ofTenant(userId, filter, 20 + below(80));
        expect({ filter, ...difference(found, meant) }).toEqual({ filter, ...NONE });
      }
    }
  });
});

it('the jobs of a filter are counted, and their users, up to a number', async () => {
  const failed = rows.filter(({ status }) => status === 'failed');
  const users = new Set(failed.map(({ user }) => user)).size;
  expect(await countJobs(base.adminDb, { status: 'failed' }, { max: 10_000 })).toEqual({ count: failed.length, users, isMore: false }); // prettier-ignore
  expect(await countJobs(base.adminDb, { status: 'failed' }, { max: 20 })).toMatchObject({ count: 20, isMore: true });
});
