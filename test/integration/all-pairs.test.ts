import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { JOB_STATUSES, type Job } from '../../src/domain/job.ts';
import { startService } from '../support/service.ts';
import { createTenants, SHARED_KEY, type Tenant } from '../support/tenants.ts';

const service = await startService();
const tenants = await createTenants(service, ['ann@a.example', 'bob@b.example', 'cat@c.example', 'dan@d.example']);
const pairs = tenants.flatMap((from) =>
  tenants.filter((to) => to !== from).map((to) => ({ asks: from.email, about: to.email, from, to })),
);

// Each tenant was charged for another number of pages: their own is known by it.
for (const [index, { userId }] of tenants.entries())
  await service.sql`update pdfprompt_usage_history set pages = ${1_000 + index} where user_id = ${userId}`;

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An answer without what is never twice the same. */
async function ask(tenant: Tenant, method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await service.request(path, { ...init, method, key: tenant.key });
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
  );
  const body = (await response.text()).replace(/"requestId":"[^"]*"/, '"requestId":""');
  return { status: response.status, headers, body };
}

/** The rows of a tenant, as a superuser sees them. */
const stateOf = ({ userId }: Tenant) =>
  service.sql`select to_jsonb(j) as job from pdfprompt_job j where user_id = ${userId} order by id`;

const UNKNOWN = uuidv7();
const MALFORMED = 'not-a-uuid';
const MAX_UUID = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

/** Ways to ask for one job, as `METHOD path`: what is behind the path, if there is more than one way. */
const BY_ID: Record<string, string[]> = {
  'GET /v1/jobs/{id}': ['', '?wait=20'],
  'GET /v1/jobs/{id}/pdf': ['', '?disposition=inline'],
  'GET /v1/jobs/{id}/picture': [''],
  'GET /v1/jobs/{id}/files': [''],
  'GET /v1/jobs/{id}/files/{n}': ['', '?disposition=inline'],
  'DELETE /v1/jobs/{id}': [''],
  'POST /v1/jobs/{id}/retry': [''],
  'POST /v1/jobs/{id}/link': [''],
  'DELETE /v1/jobs/{id}/links': [''],
  'DELETE /v1/jobs/{id}/pdf': [''],
  'GET /v1/jobs/{id}/deliveries': ['', '?limit=1'],
  'POST /v1/jobs/{id}/deliveries/{deliveryId}/replay': [''],
};

/** Every tenant has a webhook, by email. */
const webhooks = new Map<string, string>();
for (const tenant of tenants) {
  const body = JSON.stringify({ url: 'https://hooks.example.com/', description: tenant.email });
  webhooks.set(tenant.email, (JSON.parse((await ask(tenant, 'POST', '/v1/webhooks', { body })).body) as Job).id);
}
/** And a batch without items, whose end was reported in vain. */
const endedBatches = new Map<string, string>();
for (const { email, userId } of tenants) {
  const id = uuidv7();
  await service.sql`insert into pdfprompt_batch (id, user_id, status, result, total, tier, priority, virtual_start, completed_at)
    values (${id}, ${userId}, 'cancelled', 'files', 1, 'starter', 0, 0, '2031-01-01T00:00:00Z')`;
  await service.sql`
    insert into pdfprompt_delivery (id, user_id, batch_id, batch_ended_at, kind, url, host, event, status)
    values (${uuidv7()}, ${userId}, ${id}, '2031-01-01T00:00:00Z', 'webhook', 'https://hooks.invalid/', 'hooks.invalid', 'batch.completed', 'failed')`;
  endedBatches.set(email, id);
}
const webhookOf = ({ userId }: Tenant) =>
  service.sql`select to_jsonb(w) as webhook from pdfprompt_webhook w where user_id = ${userId} order by id`;

/** Another tenant's webhook is answered as one that never was, and stays as it is. */
const ofWebhook =
  (method: string, path = '', body?: object) =>
  async (from: Tenant, to: Tenant) => {
    const about = (id: string | undefined) =>
      ask(from, method, `/v1/webhooks/${id}${path}`, body && { body: JSON.stringify(body) });
    const before = await webhookOf(to);
    const unknown = await about(UNKNOWN);
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
    expect(await about(webhooks.get(to.email))).toEqual(unknown);
    expect([...(await webhookOf(to))]).toEqual([...before]);
  };
/** Another tenant's batch is answered as one that never was, and stays as it is. */
const ofEndedBatch = (method: string, path: string) => async (from: Tenant, to: Tenant) => {
  const state = (id: string) =>
    service.sql`select to_jsonb(b) as batch, (select json_agg(d) from pdfprompt_delivery d where d.batch_id = b.id) as sent
      from pdfprompt_batch b where id = ${id}`;
  const theirs = endedBatches.get(to.email) ?? '';
  const [sent] = await service.sql<{ id: string }[]>`select id from pdfprompt_delivery where batch_id = ${theirs}`;
  const about = (id: string) =>
    ask(from, method, `/v1/batches/${id}${path}`.replace('{deliveryId}', sent?.id ?? 'none'));
  const before = await state(theirs);
  const unknown = await about(UNKNOWN);
  expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
  expect(await about(MALFORMED)).toEqual(unknown);
  expect(await about(theirs)).toEqual(unknown);
  expect([...(await state(theirs))]).toEqual([...before]);
};
const secretOf = async (tenant: Tenant) =>
  (JSON.parse((await ask(tenant, 'GET', '/v1/webhooks/secret')).body) as { secret: string }).secret;

/** Every tenant has a batch that is open, by email. Without its items, which would be among the jobs of the tenant. */
const openBatches = new Map<string, string>();
for (const { email, userId } of tenants) {
  const id = uuidv7();
  await service.sql`
    insert into pdfprompt_batch (id, user_id, result, total, tier, priority, virtual_start, metadata)
    values (${id}, ${userId}, 'merged', 1, 'unlimited', 0, 0, jsonb_build_object('owner', ${email}::text))`;
  await service.sql`insert into pdfprompt_batch_count (batch_id, shard, open) values (${id}, 1, 1)`;
  openBatches.set(email, id);
}

/** Another tenant's open batch is answered as one that never was, and stays as it is. */
const ofOpenBatch =
  (method: string, path = '') =>
  async (from: Tenant, to: Tenant) => {
    const theirs = openBatches.get(to.email) ?? '';
    const state = () => service.sql`select to_jsonb(b) as batch from pdfprompt_batch b where id = ${theirs}`;
    const about = (id: string | undefined) => ask(from, method, `/v1/batches/${id}${path}`);
    const before = await state();
    const unknown = await about(UNKNOWN);
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
    for (const id of [theirs, theirs.toUpperCase(), MALFORMED]) expect(await about(id)).toEqual(unknown);
    expect([...(await state())]).toEqual([...before]);
  };

/** Every tenant has a schedule of the same name, and one that only they have. */
for (const tenant of tenants)
  for (const name of ['monthly', tenant.userId])
    await ask(tenant, 'PUT', `/v1/schedules/${name}`, { body: scheduleOf(tenant.email) });
function scheduleOf(html: string): string {
  return JSON.stringify({ cron: '@yearly', timezone: 'UTC', request: { html } });
}
const schedulesOf = ({ userId }: Tenant) =>
  service.sql`select to_jsonb(s) as schedule from pdfprompt_schedule s where user_id = ${userId} order by id`;

/** Another tenant's schedule is answered as one that never was, and stays as it is. */
const ofSchedule =
  (method: string, path = '') =>
  async (from: Tenant, to: Tenant) => {
    const before = await schedulesOf(to);
    const unknown = await ask(from, method, `/v1/schedules/${UNKNOWN}${path}`);
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
    const theirs = await ask(from, method, `/v1/schedules/${to.userId}${path}`);
    expect({ ...theirs, body: theirs.body.replaceAll(to.userId, UNKNOWN) }).toEqual(unknown);
    expect([...(await schedulesOf(to))]).toEqual([...before]);
  };

const idsIn = (body: string) => (JSON.parse(body) as { data: Job[] }).data.map(({ id }) => id);

/** What else takes or gives jobs, and what no tenant may see there of another. */
const OTHERWISE: Record<string, (from: Tenant, to: Tenant) => Promise<void>> = {
  'GET /v1/jobs': async (from, to) => {
    const own = Object.values(from.jobs).sort();
    expect(idsIn((await ask(from, 'GET', '/v1/jobs?limit=100')).body).sort()).toEqual(own);
    for (const status of JOB_STATUSES) {
      const list = await ask(from, 'GET', `/v1/jobs?status=${status}`);
      expect(idsIn(list.body)).toEqual([from.jobs[status]]);
      expect(list.body).not.toContain(to.email);
    }
    for (const cursor of Object.values(to.jobs)) {
      const page = idsIn((await ask(from, 'GET', `/v1/jobs?limit=100&cursor=${cursor}`)).body);
      expect(page.toSorted()).toEqual(own.filter((id) => id < cursor));
    }
  },
  'GET /v1/webhooks': async (from, to) => {
    const { body } = await ask(from, 'GET', '/v1/webhooks');
    expect(body).toContain(webhooks.get(from.email));
    expect(body).not.toContain(webhooks.get(to.email));
    expect(body).not.toContain(to.email);
  },
  'POST /v1/webhooks': async (from, to) => {
    const before = await webhookOf(to);
    const body = JSON.stringify({ url: 'https://more.example.com/' });
    expect((await ask(from, 'POST', '/v1/webhooks', { body })).status).toBe(201);
    expect([...(await webhookOf(to))]).toEqual([...before]);
  },
  'GET /v1/webhooks/{id}': ofWebhook('GET'),
  'PUT /v1/webhooks/{id}': ofWebhook('PUT', '', { url: 'https://other.example.com/' }),
  'DELETE /v1/webhooks/{id}': ofWebhook('DELETE'),
  'POST /v1/webhooks/{id}/rotate': ofWebhook('POST', '/rotate', {}),
  'POST /v1/webhooks/{id}/test': ofWebhook('POST', '/test'),
  'POST /v1/webhooks/{id}/replay': ofWebhook('POST', '/replay', { since: '2020-01-01T00:00:00Z' }),
  'GET /v1/webhooks/{id}/deliveries': ofWebhook('GET', '/deliveries'),
  'POST /v1/webhooks/{id}/deliveries/{deliveryId}/replay': ofWebhook('POST', `/deliveries/${UNKNOWN}/replay`),
  'GET /v1/batches': async (from, to) => {
    for (const query of ['', '?limit=100', '?status=processing', `?cursor=${MAX_UUID}`]) {
      const { body } = await ask(from, 'GET', `/v1/batches${query}`);
      expect(idsIn(body)).toContain(openBatches.get(from.email));
      expect(idsIn(body)).not.toContain(openBatches.get(to.email));
      expect(body).not.toContain(to.email);
    }
  },
  'GET /v1/batches/{id}': ofOpenBatch('GET'),
  'GET /v1/batches/{id}/items': ofOpenBatch('GET', '/items'),
  'GET /v1/batches/{id}/pdf': ofOpenBatch('GET', '/pdf'),
  'GET /v1/batches/{id}/zip': ofOpenBatch('GET', '/zip'),
  'DELETE /v1/batches/{id}': ofOpenBatch('DELETE'),
  'GET /v1/batches/{id}/deliveries': ofEndedBatch('GET', '/deliveries'),
  'POST /v1/batches/{id}/deliveries/{deliveryId}/replay': ofEndedBatch('POST', '/deliveries/{deliveryId}/replay'),
  'GET /v1/webhooks/secret': async (from, to) => expect(await secretOf(from)).not.toBe(await secretOf(to)),
  'POST /v1/webhooks/secret/rotate': async (from, to) => {
    const [mine, theirs] = [await secretOf(from), await secretOf(to)];
    await ask(from, 'POST', '/v1/webhooks/secret/rotate', { body: '{}' });
    expect(await secretOf(from)).not.toBe(mine);
    expect(await secretOf(to)).toBe(theirs);
  },
  'GET /v1/schedules': async (from, to) => {
    const { body } = await ask(from, 'GET', '/v1/schedules');
    const { data } = JSON.parse(body) as { data: { name: string }[] };
    expect(data.map(({ name }) => name).toSorted()).toEqual([from.userId, 'monthly'].toSorted());
    expect(body).not.toContain(to.userId);
  },
  'GET /v1/schedules/{name}': async (from, to) => {
    await ofSchedule('GET')(from, to);
    expect((await ask(from, 'GET', '/v1/schedules/monthly')).body).toContain(from.email);
  },
  'PUT /v1/schedules/{name}': async (from, to) => {
    const before = await schedulesOf(to);
    const body = scheduleOf(from.email);
    expect((await ask(from, 'PUT', '/v1/schedules/monthly', { body })).status).toBe(200);
    expect([...(await schedulesOf(to))]).toEqual([...before]);
  },
  'GET /v1/schedules/{name}/runs': ofSchedule('GET', '/runs'),
  'POST /v1/schedules/{name}/run': ofSchedule('POST', '/run'),
  'DELETE /v1/schedules/{name}': ofSchedule('DELETE'),
  // What is sent there: `events.test.ts`.
  'GET /v1/events': async (from, to) => {
    for (const [name, ids] of Object.entries({
      job: Object.values(to.jobs),
      batch: [endedBatches.get(to.email) ?? ''],
    })) {
      const unknown = await ask(from, 'GET', `/v1/events?${name}=${UNKNOWN}`);
      expect(unknown.status).toBe(404);
      for (const id of ids) {
        const theirs = await ask(from, 'GET', `/v1/events?${name}=${id}`);
        expect({ ...theirs, body: theirs.body.replaceAll(id, UNKNOWN) }).toEqual(unknown);
      }
    }
  },
  'GET /v1/usage': async (from) => {
    const { today, history } = JSON.parse((await ask(from, 'GET', '/v1/usage')).body) as Record<string, unknown>;
    expect(history).toEqual([today]);
    expect(today).toMatchObject({ completed: 1, pages: 1_000 + tenants.indexOf(from) });
  },
  'POST /v1/jobs': async (from, to) => {
    const mine = await submit(from, '/v1/jobs', from.email);
    expect([mine.status, (JSON.parse(mine.body) as Job).id]).toEqual([200, from.jobs.queued]);
    // The other one's document under the key that both have used: refused, and not answered with the other one's job.
    const theirs = await submit(from, '/v1/jobs', to.email);
    expect(theirs).toMatchObject({ status: 422, body: expect.stringContaining('idempotency_mismatch') });
    expect(theirs.body).not.toContain(to.jobs.queued);
  },
  'POST /v1/batches': async (from, to) => {
    // Both have used the same key, and both have a template of that name.
    const send = (tenant: Tenant, owner: Tenant) =>
      ask(tenant, 'POST', '/v1/batches', {
        headers: { 'Idempotency-Key': SHARED_KEY },
        body: JSON.stringify({ request: {}, items: [{ html: owner.email }], metadata: { owner: owner.email } }),
      });
    const mine = await send(from, from);
    const theirs = await send(to, to);
    const [own, other] = [mine, theirs].map(({ body }) => (JSON.parse(body) as { id: string }).id);
    expect(own).not.toBe(other);
    expect(mine.body).toContain(from.email);
    expect(mine.body).not.toContain(to.email);
    expect(await send(from, to)).toMatchObject({
      status: 422,
      body: expect.not.stringContaining(other ?? '') as string,
    });
    const stolen = Object.fromEntries(Object.entries(await filesOf(to)).map(([name, { id }]) => [name, id]));
    const request = { html: 'x', files: stolen };
    const answer = await ask(from, 'POST', '/v1/batches', { body: JSON.stringify({ request, items: [{}] }) });
    expect(answer).toMatchObject({ status: 400, body: NO_ASSET });
    // As it was, for the next pair.
    for (const { userId } of [from, to]) {
      await service.sql`delete from pdfprompt_job where user_id = ${userId} and batch_id is not null`;
      await service.sql`delete from pdfprompt_batch where user_id = ${userId} and idempotency_key = ${SHARED_KEY}`;
    }
  },
  'POST /v1/batches/{id}/retry': async (from, to) => {
    const theirs = uuidv7();
    await service.sql`
      insert into pdfprompt_batch (id, user_id, result, total, tier, priority, virtual_start, status, completed_at)
      values (${theirs}, ${to.userId}, 'files', 1, 'unlimited', 0, 0, 'failed', now())`;
    const about = (id: string) => ask(from, 'POST', `/v1/batches/${id}/retry`);
    const unknown = await about(UNKNOWN);
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
    for (const id of [theirs, theirs.toUpperCase(), MALFORMED]) expect(await about(id)).toEqual(unknown);
    await service.sql`delete from pdfprompt_batch where id = ${theirs}`;
  },
  'POST /v1/pdf': async (from, to) => {
    const mine = await submit(from, '/v1/pdf', from.email);
    expect([mine.status, (JSON.parse(mine.body) as Job).id]).toEqual([202, from.jobs.queued]);
    expect((await submit(from, '/v1/pdf', to.email)).status).toBe(422);
  },
  'GET /v1/links/{token}': async (from, to) => {
    const linkOf = async (tenant: Tenant) => {
      const { body } = await ask(tenant, 'POST', `/v1/jobs/${tenant.jobs.completed}/link`);
      return new URL((JSON.parse(body) as { url: string }).url).pathname;
    };
    const [mine, theirs] = [await linkOf(from), await linkOf(to)];
    // The key does not matter, and the signature of one is none for the other.
    expect((await ask(to, 'GET', mine)).body).toBe(from.pdf);
    for (let length = '/v1/links/'.length; length < mine.length; length += 8) {
      const mixed = theirs.slice(0, length) + mine.slice(length);
      if (mixed !== mine) expect((await ask(from, 'GET', mixed)).status).toBe(404);
    }
  },
  'GET /v1/templates': async (from) => {
    const { data } = JSON.parse((await ask(from, 'GET', '/v1/templates')).body) as { data: { name: string }[] };
    expect(data.map(({ name }) => name)).toEqual(['letter']);
  },
  'GET /v1/templates/{name}': async (from) => {
    for (const path of [LETTER, `${LETTER}@1`])
      expect(Object.keys((JSON.parse((await ask(from, 'GET', path)).body) as Files).files).sort()).toEqual(
        [`${from.userId}.css`, 'index.html'].sort(),
      );
  },
  'GET /v1/templates/{name}/versions': async (from) => {
    const { data } = JSON.parse((await ask(from, 'GET', `${LETTER}/versions`)).body) as { data: unknown[] };
    expect(data).toHaveLength(1);
  },
  'PUT /v1/templates/{name}': async (from, to) => {
    const files = Object.fromEntries(Object.entries(await filesOf(to)).map(([name, { id }]) => [name, id]));
    const stolen = await ask(from, 'PUT', '/v1/templates/stolen', { body: JSON.stringify({ files }) });
    expect(stolen).toMatchObject({ status: 400, body: NO_ASSET });
  },
  'POST /v1/templates/{name}/preview': async (from, to) => {
    const files = Object.fromEntries(Object.entries(await filesOf(to)).map(([name, { id }]) => [name, id]));
    const body = JSON.stringify({ files });
    expect((await ask(from, 'POST', `${LETTER}/preview`, { body, headers: { Prefer: 'wait=0' } })).status).toBe(400);
  },
  'DELETE /v1/templates/{name}': async (from, to) => {
    expect((await ask(from, 'DELETE', `/v1/templates/${to.userId}`)).status).toBe(404);
    const own = (await ask(from, 'GET', LETTER)).body;
    expect((await ask(from, 'DELETE', LETTER)).status).toBe(204);
    expect(Object.keys(await filesOf(to))).toHaveLength(2);
    // As it was, for the next pair; but for the number of its version.
    await service.sql`update pdfprompt_template_version set deleted_at = null where user_id = ${from.userId}`;
    expect((await ask(from, 'GET', LETTER)).body).toBe(own);
  },
  'PUT /v1/assets': async (from, to) => {
    const put = await ask(from, 'PUT', '/v1/assets', { body: to.userId, headers: { 'Content-Type': 'text/css' } });
    expect(put.status).toBeLessThan(300); // a copy of one's own, whoever else has the same bytes
    await service.sql`delete from pdfprompt_asset where user_id = ${from.userId}
      and sha256 = sha256(${to.userId}::text::bytea)`;
  },
  'GET /v1/assets/{id}': async (from, to) => {
    const unknown = await ask(from, 'GET', `/v1/assets/${'0'.repeat(64)}`);
    expect(unknown.status).toBe(404);
    for (const { id } of Object.values(await filesOf(to))) {
      expect(await ask(from, 'GET', `/v1/assets/${id}`)).toEqual(unknown);
      expect((await ask(to, 'GET', `/v1/assets/${id}`)).status).toBe(200);
    }
  },
};

/** Every tenant has a template of this name, with a file that only they have. */
const LETTER = '/v1/templates/letter';
interface Files {
  files: Record<string, { id: string }>;
}
const filesOf = async (tenant: Tenant) => (JSON.parse((await ask(tenant, 'GET', LETTER)).body) as Files).files;
const NO_ASSET = expect.stringContaining('you have no such asset') as string;

const submit = (tenant: Tenant, path: string, email: string) =>
  ask(tenant, 'POST', path, {
    headers: { 'Idempotency-Key': SHARED_KEY, Prefer: 'wait=0' },
    body: JSON.stringify({ html: `<p>${email}</p>`, metadata: { owner: email } }),
  });

describe('every route', async () => {
  const { paths } = (await (await service.request('/openapi.json')).json()) as { paths: Record<string, object> };
  // An operator's routes are about all users, and closed to every tenant: `scopes.test.ts`.
  const ofTenants = Object.entries(paths).filter(([path]) => !path.startsWith('/v1/admin/'));
  const routes = ofTenants.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

  it('is asked here: a new one has to say how it keeps tenants apart', () => {
    expect(routes.toSorted()).toEqual([...Object.keys(BY_ID), ...Object.keys(OTHERWISE)].sort());
  });

  it('gives a tenant what is its own', async () => {
    for (const tenant of tenants) {
      for (const [status, id] of Object.entries(tenant.jobs)) {
        const answer = await ask(tenant, 'GET', `/v1/jobs/${id}`);
        expect(JSON.parse(answer.body)).toMatchObject({ id, status, metadata: { owner: tenant.email } });
      }
      expect((await ask(tenant, 'GET', `/v1/jobs/${tenant.jobs.completed}/pdf`)).body).toBe(tenant.pdf);
      const batch = await ask(tenant, 'GET', `/v1/batches/${openBatches.get(tenant.email)}`);
      expect(JSON.parse(batch.body)).toMatchObject({ status: 'processing', metadata: { owner: tenant.email } });
    }
  });
});

describe.each(pairs)("$asks asks for $about's", ({ from, to }) => {
  it.each(Object.entries(BY_ID))('%s: answered at once, and as for a job that never was', async (route, ways) => {
    const [method = '', path = ''] = route.split(' ');
    const before = await stateOf(to);
    for (const way of ways) {
      const about = (id: string) =>
        ask(from, method, path.replace('{id}', id).replace('{n}', '0').replace('{deliveryId}', UNKNOWN) + way);
      const unknown = await about(UNKNOWN);
      expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"not_found"') });
      expect(await about(MALFORMED)).toEqual(unknown);
      for (const id of Object.values(to.jobs)) {
        const startedAt = performance.now();
        expect(await about(id)).toEqual(unknown);
        expect(await about(id.toUpperCase())).toEqual(unknown);
        expect(performance.now() - startedAt).toBeLessThan(15_000); // and not after the seconds of `wait`
      }
    }
    expect(await stateOf(to)).toEqual(before);
  });

  it.each(Object.entries(OTHERWISE))('%s: nothing of it is there', async (_, look) => {
    const before = await stateOf(to);
    await look(from, to);
    expect(await stateOf(to)).toEqual(before);
  });
});
