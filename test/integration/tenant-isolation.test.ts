import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { getBatch, listBatches } from '../../src/batches/read-batch.ts';
import { type Client, connect, drizzle } from '../../src/db/driver.ts';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import type { Database } from '../../src/db/pools.ts';
import { checkTenantRole, TENANT_ROLE } from '../../src/db/tenant.ts';
import type { Job } from '../../src/domain/job.ts';
import { getJob, getJobFile, listJobFiles, listJobs } from '../../src/jobs/read.ts';
import { expire } from '../../src/jobs/expire.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { migrateDatabase, openConfiguredPool } from '../../src/runtime/database.ts';
import { PostgresStore } from '../../src/storage/postgres-store.ts';
import { OWN_SCOPES } from '../../src/domain/scope.ts';
import { forgetfulLimiter } from '../support/accounts.ts';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { startService, testConfig } from '../support/service.ts';
import { createTenants, SHARED_KEY, type Tenant } from '../support/tenants.ts';

const service = await startService();
const { sql } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];

// A webhook each, a delivery with an attempt, a batch, and a schedule with a run.
for (const { userId } of [ann, bob])
  await sql.unsafe(`
    insert into pdfprompt_webhook (id, user_id, url, events, secret) values ('${userId}', '${userId}', 'https://a.example', '{}', '');
    insert into pdfprompt_delivery (id, user_id, kind, webhook_id, host, status)
      values ('${userId}', '${userId}', 'webhook', '${userId}', '', 'failed');
    insert into pdfprompt_delivery_attempt (delivery_id, number, at, ms, answer) values ('${userId}', 1, now(), 1, '${userId}');
    insert into pdfprompt_batch (id, user_id, result, total, tier, priority, virtual_start)
      values ('${userId}', '${userId}', 'files', 1, 'starter', 0, 0);
    insert into pdfprompt_batch_count (batch_id, shard, open) values ('${userId}', 1, 1);
    insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request) values ('${userId}', '${userId}', 'x', '@yearly', 'UTC', '{}');
    insert into pdfprompt_schedule_run (schedule_id, planned_at, user_id, status) values ('${userId}', now(), '${userId}', 'skipped')`);

/** A statement as a verb sent it, with its parameters written into it. */
interface Sent {
  name: string;
  text: string;
  parameters: unknown[];
}

const sent: string[][] = [];
const walled = connect(service.url, {
  max: 1,
  connection: { role: TENANT_ROLE, enable_seqscan: 'off', enable_bitmapscan: 'off' },
});
const observed = connect(service.url, {
  max: 1,
  connection: { role: TENANT_ROLE },
  debug: (_, text, parameters) => void sent.push([text, ...(parameters as string[])]),
});
afterAll(() => Promise.all([walled.end(), observed.end()]));

/** Everything that a verb reads for a tenant. */
async function statements({ userId, jobs }: Tenant): Promise<Sent[]> {
  const reads = drizzle(observed);
  const found: Sent[] = [];
  const watch = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    sent.length = 0;
    const result = await work();
    const ours = sent.filter(([text]) => text?.includes('pdfprompt_'));
    expect(ours.length, `${name} is one statement`).toBe(1);
    const [text = '', ...parameters] = ours[0] ?? [];
    found.push({ name, text, parameters });
    return result;
  };
  const { queued, completed } = jobs;
  await watch('a job', () => getJob(reads, { userId, jobId: queued }));
  const { fileId, size } = await watch("a job's file", () =>
    getJobFile(reads, { userId, jobId: completed, position: 0 }),
  );
  await watch('a small file of a job, with its bytes', () =>
    getJobFile(reads, { userId, jobId: completed, position: 0, isSent: true }),
  );
  await watch('the files of a job', () => listJobFiles(reads, { userId, jobId: completed }));
  const pieces = new PostgresStore().open(reads, { userId, fileId, size })[Symbol.asyncIterator]();
  await watch('a piece of a PDF', () => pieces.next());
  await watch('a list', () => listJobs(reads, { userId, filter: {}, limit: 100 }));
  await watch('a page of a list', () =>
    listJobs(reads, { userId, filter: { status: 'queued' }, limit: 2, cursor: 'ffffffff-ffff-7fff-bfff-ffffffffffff' }),
  );
  await watch('a batch', () => getBatch(reads, { userId, batchId: userId }));
  await watch('a list of batches', () => listBatches(reads, { userId, limit: 100 }));
  await watch('an idempotency key', async () => {
    const parsed = parsePdfRequest({ html: `<p>${userId}</p>` });
    if (!parsed.ok) throw new Error('the test does not fit the code');
    const tier = { name: 'unlimited', requestsPerMinute: null, requestsPerDay: null, priority: 2 };
    const principal = { userId, keyId: '', tier, scopes: OWN_SCOPES };
    const deps = { ...service.base, reads, limiter: forgetfulLimiter() };
    await submitJob(deps, { principal, request: parsed.request, idempotencyKey: SHARED_KEY }).catch(() => undefined);
  });
  found.push({
    name: 'usage',
    text: `select user_id, completed from "pdfprompt_usage_history" where ((select set_config('pdfprompt.tenant', $1::text, true) is not null) and "user_id" = $2)`,
    parameters: [userId, userId],
  });
  found.push({
    name: 'the parts of jobs',
    text: `select job_id, content from "pdfprompt_part" where ((select set_config('pdfprompt.tenant', $1::text, true) is not null) and "job_id" = $2)`,
    parameters: [userId, jobs.failed],
  });
  // Each has one, with a file whose name and text are its user's id.
  const gate = `((select set_config('pdfprompt.tenant', $1::text, true) is not null)`;
  for (const [name, text] of Object.entries({
    assets: `select user_id from "pdfprompt_asset" where ${gate} and "user_id" = $2)`,
    templates: `select user_id from "pdfprompt_template" where ${gate} and "user_id" = $2)`,
    webhooks: `select user_id from "pdfprompt_webhook" where ${gate} and "user_id" = $2)`,
    schedules: `select user_id from "pdfprompt_schedule" where ${gate} and "user_id" = $2)`,
    'runs of schedules': `select user_id from "pdfprompt_schedule_run" where ${gate} and "schedule_id" = $2)`,
    'what jobs are found by': `select user_id from "pdfprompt_job_term" where ${gate} and "user_id" = $2)`,
    // Their ids are their users', too.
    deliveries: `select user_id from "pdfprompt_delivery" where ${gate} and "webhook_id" = $2)`,
    'counts of batches': `select batch_id from "pdfprompt_batch_count" where ${gate} and "batch_id" = $2)`,
    'attempts of deliveries': `select answer from "pdfprompt_delivery_attempt" where ${gate} and "delivery_id" = $2)`,
  }))
    found.push({ name, text, parameters: [userId, userId] });
  return found;
}

const GATE = /\(select set_config\('pdfprompt\.tenant', .*?\) is not null\)/;
const WHERE = / where \(\(select set_config\(.*?\) is not null\)(?: and [^()]*)?\)/;
const withParameters = ({ text, parameters }: Sent) =>
  text.replaceAll(/\$(\d+)/g, (_, number: string) => `'${String(parameters[Number(number) - 1])}'`);
const gateOf = ({ userId }: Tenant) => `(select set_config('pdfprompt.tenant', '${userId}', true) is not null)`;
/** The statement without all that says whose rows it wants, but for what is given. */
function without(statement: Sent, where: string): string {
  const text = withParameters(statement);
  if (!WHERE.test(text)) throw new Error(`the test does not know this statement: ${text}`);
  return text.replace(WHERE, where === '' ? '' : ` where ${where}`).replace(/ limit '\d+'/, '');
}
const firstColumn = async (client: Client, text: string): Promise<string[]> =>
  (await client.unsafe(text).values()).map(([value]) => String(value)).sort();

/** By what the first column of each statement knows a tenant's rows. */
const ownRows: Record<string, (tenant: Tenant) => string[]> = {
  'a piece of a PDF': ({ pdf }) => [String(Buffer.from(pdf))],
  usage: ({ userId }) => [userId],
  assets: ({ userId }) => [userId, userId],
  templates: ({ userId }) => [userId],
  webhooks: ({ userId }) => [userId],
  'what jobs are found by': ({ userId, jobs }) => Object.values(jobs).map(() => userId),
  schedules: ({ userId }) => [userId],
  'runs of schedules': ({ userId }) => [userId],
  deliveries: ({ userId }) => [userId],
  'a batch': ({ userId }) => [userId],
  'a list of batches': ({ userId }) => [userId],
  'counts of batches': ({ userId }) => [userId],
  'attempts of deliveries': ({ userId }) => [userId],
};
const rowsOf = (name: string, tenant: Tenant) =>
  (ownRows[name] ?? (({ jobs }: Tenant) => Object.values(jobs)))(tenant).sort();

describe.each(await statements(ann))('$name, read without its WHERE', (statement) => {
  it("is the tenant's own and nobody else's", async () => {
    expect(await firstColumn(walled, without(statement, gateOf(ann)))).toEqual(rowsOf(statement.name, ann));
    expect(await firstColumn(walled, without(statement, gateOf(bob)))).toEqual(rowsOf(statement.name, bob));
  });

  it('is nothing without the gate, also right behind a statement with one', async () => {
    expect(await firstColumn(walled, without(statement, ''))).toEqual([]);
    await walled.unsafe(without(statement, gateOf(ann)));
    expect(await firstColumn(walled, without(statement, ''))).toEqual([]);
    const [setting] = await walled`select current_setting('pdfprompt.tenant', true) as tenant`;
    expect(setting?.['tenant']).toBe('');
  });

  it("is nothing through another's gate, whatever the WHERE says", async () => {
    const text = withParameters(statement);
    expect((await walled.unsafe(text)).length).toBeGreaterThan(0);
    expect(await firstColumn(walled, text.replace(GATE, gateOf(bob)))).toEqual([]);
  });

  it("is everybody's for a role without row-level security: the policies are what isolates", async () => {
    const both = [...rowsOf(statement.name, ann), ...rowsOf(statement.name, bob)].sort();
    expect(await firstColumn(sql, without(statement, gateOf(ann)))).toEqual(both);
  });

  it.each(['force_custom_plan', 'force_generic_plan', 'auto'])(
    'passes the gate once and before all else, and reads by index (%s)',
    async (mode) => {
      const client = connect(service.url, {
        max: 1,
        connection: { role: TENANT_ROLE, ...BY_INDEX, plan_cache_mode: mode },
      });
      try {
        await client.unsafe(`prepare it as ${statement.text}`);
        const execute = `execute it(${statement.parameters.map((value) => `'${String(value)}'`).join(', ')})`;
        for (let time = 0; time < 7; time++) await client.unsafe(execute);
        const [row] = await client.unsafe<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(`explain (format json) ${execute}`);
        let gate = row?.['QUERY PLAN'][0].Plan as Plan;
        while (gate['Node Type'] === 'Limit') gate = below(gate)[0] as Plan;
        expect(gate).toMatchObject({
          'Node Type': 'Result',
          'One-Time Filter': expect.stringMatching(/InitPlan \d|\$\d/),
        }); // $0: before Postgres 17
        const scans = everyNode(gate).filter((node) => node['Relation Name']);
        expect(scans.length).toBeGreaterThan(0);
        for (const scan of scans) {
          expect(scan['Node Type']).toMatch(/^Index (Only )?Scan$/);
          expect(scan['Index Cond']).toMatch(/(user_id|id|file_id|job_id|retry_of) = |^\(target = ANY/);
        }
      } finally {
        await client.end();
      }
    },
  );
});

const BY_INDEX = { enable_seqscan: 'off', enable_bitmapscan: 'off' };

interface Plan {
  'Node Type': string;
  'One-Time Filter'?: string;
  'Relation Name'?: string;
  'Index Cond'?: string;
  'Parent Relationship'?: string;
  Plans?: Plan[];
}
const below = (plan: Plan) => (plan.Plans ?? []).filter((node) => node['Parent Relationship'] !== 'InitPlan');
const everyNode = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(everyNode)];

describe('the role that reads for tenants', () => {
  const READABLE = [
    'pdfprompt_job',
    'pdfprompt_job_term',
    'pdfprompt_part',
    'pdfprompt_lane',
    'pdfprompt_file',
    'pdfprompt_file_chunk',
    'pdfprompt_asset',
    'pdfprompt_asset_chunk',
    'pdfprompt_template',
    'pdfprompt_template_version',
    'pdfprompt_template_file',
    'pdfprompt_page_report',
    'pdfprompt_part_file',
    'pdfprompt_usage_history',
    'pdfprompt_schedule',
    'pdfprompt_schedule_run',
    'pdfprompt_pause',
    'pdfprompt_webhook',
    'pdfprompt_delivery',
    'pdfprompt_delivery_attempt',
    'pdfprompt_batch',
    'pdfprompt_batch_count',
  ];
  const COLUMNS: Record<string, string> = {
    pdfprompt_file_chunk: 'file_id',
    pdfprompt_asset_chunk: 'asset_id',
    pdfprompt_template_file: 'version_id',
    pdfprompt_part_file: 'job_id',
    pdfprompt_part: 'job_id',
    pdfprompt_delivery_attempt: 'delivery_id',
    pdfprompt_batch_count: 'batch_id',
    pdfprompt_pause: 'target', // its user_id is generated: nobody writes it
  };
  const denied = { code: '42501' };

  it('reads what a tenant has, and no other table', async () => {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`;
    expect(tables.length).toBeGreaterThan(15);
    const readable: string[] = [];
    for (const { name } of tables) {
      const error = await walled.unsafe(`select 1 from ${name} limit 1`).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) readable.push(name.replace('public.', ''));
      else expect(error).toMatchObject(denied);
    }
    expect(readable.sort()).toEqual(READABLE.toSorted());
  });

  it('reads nobody’s secrets', async () => {
    for (const column of ['reason', 'paused_at'])
      await expect(walled.unsafe(`select ${column} from pdfprompt_pause`)).rejects.toMatchObject(denied);
    for (const column of ['secret', 'previous_secret'])
      await expect(walled.unsafe(`select ${column} from pdfprompt_webhook`)).rejects.toMatchObject(denied);
  });

  it.each(READABLE)('changes nothing in %s', async (table) => {
    const gate = `where ${gateOf(ann)}`;
    const column = COLUMNS[table] ?? 'user_id';
    await expect(
      walled.unsafe(`insert into ${table} (${column}) select ${column} from ${table} ${gate}`),
    ).rejects.toMatchObject(denied);
    await expect(walled.unsafe(`update ${table} set ${column} = ${column} ${gate}`)).rejects.toMatchObject(denied);
    await expect(walled.unsafe(`delete from ${table} ${gate}`)).rejects.toMatchObject(denied);
    await expect(walled.unsafe(`truncate ${table} cascade`)).rejects.toMatchObject(denied);
    await expect(walled.unsafe(`select 1 from ${table} ${gate} for update`)).rejects.toMatchObject(denied);
    await expect(walled.unsafe(`alter table ${table} disable row level security`)).rejects.toMatchObject(denied);
  });

  it('learns of the queue only how many are ahead', async () => {
    const [row] = await walled`select pdfprompt_queue_position(2147483647, gen_random_uuid()) as position`;
    expect(row?.['position']).toBe(3); // of nobody in particular: both tenants' are
    const [shadow] = await walled.begin(async (tx) => {
      await tx`create temporary table pdfprompt_job (rank integer, id uuid, is_queued boolean) on commit drop`;
      return tx`select pdfprompt_queue_position(2147483647, gen_random_uuid()) as position`;
    });
    expect(shadow?.['position']).toBe(3);
  });

  it('is held back by force: the owner of the tables is subject to the policies too', async () => {
    const rows = await sql`
      select relname from pg_class where relname in ${sql(READABLE)} and relrowsecurity and relforcerowsecurity`;
    expect(rows).toHaveLength(READABLE.length);
  });
});

describe('a service whose user is no superuser', async () => {
  const cluster = new EmbeddedPostgres({ dataDir: await temporaryDirectory('owner') });
  await cluster.start();
  afterAll(() => cluster.stop());
  const root = connect(cluster.url, { max: 1 });
  afterAll(() => root.end());
  const urlOf = (name: string) => {
    const url = new URL(cluster.url);
    Object.assign(url, { username: name, password: 'hunter2', pathname: `/${name}` });
    return url.href;
  };
  const createOwner = async (name: string, attributes = '') => {
    await root.unsafe(`create role ${name} login ${attributes} password 'hunter2'`);
    await root.unsafe(`create database ${name} owner ${name}`);
    return { url: urlOf(name), config: testConfig({ DATABASE_URL: urlOf(name) }) };
  };

  it('is told what to type if it may not make the role, and then works', async () => {
    const modest = await createOwner('modest');
    await expect(migrateDatabase(modest)).rejects.toThrow(
      /may not create the role pdfprompt_tenant\. Type as a superuser: create role pdfprompt_tenant nologin; grant pdfprompt_tenant to modest;$/,
    );
    await root.unsafe('create role pdfprompt_tenant nologin');
    await expect(migrateDatabase(modest)).rejects.toThrow(
      /may not enter the role pdfprompt_tenant\. Type as a superuser: grant pdfprompt_tenant to modest;$/,
    );
    await root.unsafe('grant pdfprompt_tenant to modest');
    await migrateDatabase(modest);
    expect((await migrateDatabase({ ...modest, check: true })).pending).toEqual([]);
    await root.unsafe('revoke pdfprompt_tenant from modest');
    const pool = openConfiguredPool(modest.config, { url: modest.url, applicationName: 'test', max: 1 });
    await expect(checkTenantRole(pool.db)).rejects.toThrow(
      'DATABASE_URL: its user may not enter the role pdfprompt_tenant, which keeps tenants apart. Type as a superuser: grant pdfprompt_tenant to modest;',
    );
    await pool.close();
    await root.unsafe('drop database modest with (force)');
    await root.unsafe('drop role pdfprompt_tenant');
  });

  it('makes the role if it may, and does all that the API and a worker do', async () => {
    const owner = await createOwner('owner', 'createrole');
    await migrateDatabase(owner);
    const client = connect(owner.url, { max: 2 });
    undoLater(() => client.end());
    const own = await startService({ database: { url: owner.url, sql: client } });
    const [cat, dan] = (await createTenants(own, ['cat@c.example', 'dan@d.example'])) as [Tenant, Tenant];
    const ask = (path: string, { key }: Tenant, method = 'GET') => own.request(path, { key, method });
    expect(await (await ask(`/v1/jobs/${cat.jobs.completed}/pdf`, cat)).text()).toBe(cat.pdf);
    expect((await ask(`/v1/jobs/${cat.jobs.completed}/pdf`, dan)).status).toBe(404);
    const { data } = (await (await ask('/v1/jobs', cat)).json()) as { data: Job[] };
    expect(data.map(({ id }) => id).sort()).toEqual(Object.values(cat.jobs).sort());
    expect(await (await ask(`/v1/jobs/${dan.jobs.queued}`, dan)).json()).toMatchObject({ queuePosition: 2 });
    expect(await (await ask(`/v1/jobs/${cat.jobs.queued}`, cat, 'DELETE')).json()).toMatchObject({
      status: 'cancelled',
    });
    const again = await own.request('/v1/jobs', {
      method: 'POST',
      key: dan.key,
      headers: { 'Idempotency-Key': SHARED_KEY },
      body: JSON.stringify({ html: `<p>${dan.email}</p>`, metadata: { owner: dan.email } }),
    });
    expect([again.status, ((await again.json()) as Job).id]).toEqual([200, dan.jobs.queued]);
    await client`update pdfprompt_file set expires_at = now() - interval '1 second'`;
    await sleep(1);
    const { adminDb, stores, events } = own.base;
    expect(await expire({ db: adminDb, stores, events, retentionMs: 60_000 })).toEqual({
      files: 2,
      documents: 0,
      jobs: 0,
    });
    expect((await ask(`/v1/jobs/${cat.jobs.completed}/pdf`, cat)).status).toBe(410);

    // Row-level security applies to it too, although all of this is its own.
    const reads = drizzle(client) as Database;
    expect(await listJobs(reads, { userId: cat.userId, filter: {}, limit: 10 })).toMatchObject({
      data: { length: Object.keys(cat.jobs).length },
    });
    const behind = connect(owner.url, { max: 1, connection: { role: TENANT_ROLE } });
    expect(await behind`select 1 from pdfprompt_job`).toHaveLength(0);
    await behind.end();
    // And its own queries have no filter more than before.
    const plan = await client.unsafe('explain select 1 from pdfprompt_job');
    expect(JSON.stringify(plan)).not.toMatch(/Filter/);
  });
});
