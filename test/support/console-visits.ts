import { createKey } from '../../src/accounts/keys.ts';
import { createSignInLink } from '../../src/accounts/sign-in-links.ts';
import type { Client } from '../../src/db/driver.ts';
import { JOB_STATUSES } from '../../src/domain/job.ts';
import { readThroughputHistory } from '../../src/jobs/throughput-history.ts';
import { createUnlimitedKey } from './accounts.ts';
import { endItems, makeBatch, type MadeBatch } from './batches.ts';
import { cookieOf, visitor } from './console.ts';
import { FILTERS, OPERATORS_FILTERS } from './admin-visits.ts';
import { at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** What an operator looks at and does in the console. */
export async function consoleVisits(
  { chores, url }: StagedService,
  sql: Client,
  heavy: readonly Guest[],
): Promise<Visit[]> {
  const admin = await createKey(chores.db, { email: 'operator@example.com', scopes: ['admin'] });
  let cookie = '';
  const expectStatus = async (what: Promise<Response>, status: number) => {
    const response = await what;
    if (response.status !== status) throw new Error(`${response.url} answered ${response.status}, not ${status}`);
    return response;
  };
  const get = async (path: string, status = 200) =>
    (await expectStatus(visitor(url, cookie).get(`/console${path}`), status)).text();
  const post = (path: string, form = {}) => expectStatus(visitor(url, cookie).post(`/console${path}`, form), 303);
  const failed = await keepDocuments(sql, heavy);
  const queued = await sql<{ id: string }[]>`
    select id from pdfprompt_job where is_queued order by rank desc limit 60 offset 400`;
  const webhooks = await failingWebhooks(sql, heavy);
  const { userId: bulk } = await createUnlimitedKey(chores.db, 'bulk@example.com');
  const batches = await failingBatches(sql, bulk);
  const schedules = await sql<{ id: string }[]>`
    select id from pdfprompt_schedule where name = 'seeded-1' order by id desc limit 5`;
  await fillAudit(sql, { by: [bulk, admin.userId], jobs: failed });
  return [
    {
      name: 'console: signing in and out',
      run: async () => {
        const { token } = await createSignInLink(chores.db, {});
        await post('/sign-in', { link: token });
        cookie = cookieOf(await post('/sign-in', { key: admin.key }));
        await post('/sign-out');
        cookie = cookieOf(await post('/sign-in', { key: admin.key }));
      },
    },
    {
      name: 'console: audit',
      run: async (turn) => {
        const { id, userId } = at(failed, turn);
        for (const filter of [
          '',
          `by=${bulk}`,
          `user=${userId}`,
          `job=${id}`,
          'what=paused',
          'what=looked+at+a+file&from=2026-01-01',
          `by=user${turn}@example.com`,
          `by=${bulk}&user=${userId}&what=looked+at+a+file`,
        ]) {
          const page = await get(`/audit?${filter}`);
          const next = /rel="next"\s+href="\/console(\/audit\?[^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
          if (next !== undefined) await get(next);
        }
      },
    },
    {
      name: 'console: sessions',
      run: async (turn) => {
        await get('/sessions');
        await get('/sessions?show=all');
        const { userId } = await createKey(chores.db, { email: `session${turn}@example.com`, scopes: ['operator'] });
        await post('/sessions/end-all', { user: userId });
      },
    },
    { name: 'console: actions', run: async () => void (await get('/actions')) },
    {
      name: 'console: an action on many jobs',
      run: async () => {
        await get(`/actions/new?action=cancel&user=${bulk}&status=scheduled`);
      },
    },
    { name: 'console: overview', run: async () => void (await get('')) },
    {
      name: 'console: history',
      run: async (turn) => void (await readThroughputHistory(chores.adminDb, at(['1h', '6h', '24h'], turn))),
    },
    ...[undefined, ...JOB_STATUSES].map((status) => ({
      name: `console: jobs${status === undefined ? '' : ` (${status})`}`,
      run: async () => {
        const page = await get(`/jobs${status === undefined ? '' : `?status=${status}`}`);
        const next = /rel="next"\s+href="\/console(\/jobs\?[^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
        if (next !== undefined) await get(next);
      },
    })),
    {
      name: 'console: jobs (of a user)',
      run: async (turn) => {
        await get(`/jobs?user=${at(heavy, turn).id}`);
        await get(`/jobs?user=${at(heavy, turn).id}&status=failed`);
      },
    },
    ...[...FILTERS, ...OPERATORS_FILTERS].slice(1).map(([what, query]) => ({
      name: `console: jobs (${what})`,
      run: async (turn: number) => void (await get(`/jobs?${query(turn)}`)),
    })),
    {
      name: 'console: search',
      run: async (turn) => {
        await get(`/jobs?q=${at(failed, turn).id}`, 303);
        await get(`/jobs?q=user${turn + 10}@example.com`, 303);
        for (const text of ['user12', 'order:A-17', 'A-17', 'invoice', 'nothing like it'])
          await get(`/jobs?q=${text}`, 303);
      },
    },
    { name: 'console: job', run: async (turn) => void (await get(`/jobs/${at(failed, turn).id}`)) },
    {
      name: 'console: what was sent',
      run: async (turn) => {
        const { id } = at(failed, turn);
        await get(`/jobs/${id}/sent`);
        await get(`/jobs/${id}/sent/0/text`);
        await get(`/jobs/${id}/picture`, 404);
      },
    },
    {
      name: 'console: batches',
      run: async () => {
        for (const status of ['', '?status=processing', '?status=failed']) await get(`/batches${status}`);
      },
    },
    {
      name: 'console: batches (of a user)',
      run: async (turn) => {
        await get(`/batches?user=${bulk}`);
        await get(`/batches?q=${at(batches, turn).id}`, 303);
      },
    },
    {
      name: 'console: batch',
      run: async (turn) => {
        const { id } = at(batches, turn);
        await get(`/batches/${id}`);
        await get(`/batches/${id}?status=completed&after=100`);
        await get(`/fragments/batches/${id}/failures`);
      },
    },
    {
      name: 'console: cancel a batch',
      run: async () => {
        const { id } = await makeBatch(sql, { userId: bulk, items: 20 });
        await post(`/batches/${id}/cancel`);
      },
    },
    {
      name: 'console: retry a batch',
      run: async () => {
        const { id, jobs } = await makeBatch(sql, { userId: bulk, items: 5 });
        await endItems(sql, jobs, 'failed');
        await post(`/batches/${id}/retry`);
      },
    },
    {
      name: 'console: schedules',
      run: async (turn) => {
        await get('/schedules');
        await get(`/schedules?user=${at(heavy, turn).id}`);
        await get(`/schedules?q=user${turn + 10}@example.com`, 303);
      },
    },
    { name: 'console: schedule', run: async (turn) => void (await get(`/schedules/${at(schedules, turn).id}`)) },
    {
      name: 'console: webhooks',
      run: async () => {
        await get('/webhooks');
        await get('/webhooks?show=all');
      },
    },
    {
      name: 'console: webhooks (of a user)',
      run: async (turn) => void (await get(`/webhooks?user=${at(heavy, turn).id}`)),
    },
    {
      name: 'console: webhook',
      run: async (turn) => {
        const { id } = at(webhooks, turn);
        await get(`/webhooks/${id}`);
        await get(`/fragments/webhooks/${id}/deliveries?status=failed`);
      },
    },
    {
      name: 'console: send again',
      run: async (turn) => {
        const { id, deliveries } = at(webhooks, turn);
        await post(`/webhooks/${id}/deliveries/${at(deliveries, turn)}/replay`);
      },
    },
    {
      name: 'console: users',
      run: async (turn) => {
        for (const order of ['newest', 'oldest', 'email']) {
          const page = await get(`/users?order=${order}`);
          const next = /rel="next"\s+href="\/console(\/users\?[^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
          if (next !== undefined) await get(next);
        }
        await get(`/users?q=user${turn + 10}`);
        await get(`/users?order=email&q=user${turn + 10}`);
        await get(`/users?q=${at(heavy, turn).id.slice(0, 13)}`);
      },
    },
    { name: 'console: user', run: async (turn) => void (await get(`/users/${at(heavy, turn).id}`)) },
    {
      name: 'console: changes of a user',
      run: async (turn) => {
        const created = await post('/users', { email: `visit-${turn}@example.com` });
        const path = new URL(created.headers.get('location') ?? '', url).pathname.replace('/console', '');
        await post(`${path}/tier`, { tier: 'professional' });
        await post(`${path}/limits`, { requestsPerDay: '7' });
        await post(`${path}/erase`, { email: `visit-${turn}@example.com` });
      },
    },
    {
      name: 'console: keys',
      run: async (turn) => {
        for (const query of ['', '?state=valid', '?state=revoked', '?q=pdf_abcdef']) await get(`/keys${query}`);
        await get(`/keys?user=${at(heavy, turn).id}`);
        await get(`/keys/${admin.id}`);
      },
    },
    {
      name: 'console: changes of a key',
      run: async (turn) => {
        const form = { email: `visit-key-${turn}@example.com`, scopes: 'usage:read' };
        const idOf = async (page: Response) => /href="\/console\/keys\/([^"]+)"/.exec(await page.text())?.[1] ?? '';
        const id = await idOf(await expectStatus(visitor(url, cookie).post('/console/keys', form), 201));
        await expectStatus(visitor(url, cookie).post(`/console/keys/${id}/rotate`, { graceSeconds: '0' }), 201);
        await post(`/keys/${id}/revoke`);
      },
    },
    {
      name: 'console: tiers',
      run: async (turn) => {
        await get('/tiers');
        await get('/tiers/starter');
        await post('/tiers', { name: `visit-${turn}`, priority: '0' });
        await post(`/tiers/visit-${turn}/delete`);
      },
    },
    {
      name: 'console: templates',
      run: async (turn) => {
        const page = await get('/templates');
        await get('/templates?q=a');
        await get(`/templates?user=${at(heavy, turn).id}`);
        const id = /id="template-([^"]+)"/.exec(page)?.[1];
        if (id !== undefined) await get(`/templates/${id}`);
      },
    },
    {
      name: 'console: settings and doctor',
      run: async () => {
        await get('/settings');
        await get('/doctor');
      },
    },
    { name: 'console: cancel', run: async (turn) => void (await post(`/jobs/${at(queued, turn).id}/cancel`)) },
    {
      name: 'console: retry',
      run: async (turn) => void (await post(`/jobs/${at(failed, turn).id}/retry`, { once: '' })),
    },
  ];
}

/** Two hundred thousand rows of two operators, hardly any of one kind. */
async function fillAudit(sql: Client, { by, jobs }: { by: string[]; jobs: readonly { id: string }[] }): Promise<void> {
  await sql`
    insert into pdfprompt_audit (id, at, what, by_user_id, user_id, job_id)
    select uuidv7(n * interval '-2 minutes'), now() - n * interval '2 minutes',
      case when n % 9973 = 0 then 'paused' else 'looked at a file' end,
      (${`{${by.join(',')}}`}::uuid[])[n % 2 + 1], j.user_id, j.id
    from generate_series(1, 200000) n
    join (select row_number() over () as place, id, user_id from pdfprompt_job where id = any (${`{${jobs.map(({ id }) => id).join(',')}}`}::uuid[])) j
      on j.place = n % ${jobs.length} + 1`;
}

/** Of a user without limits: some items have failed, most are open. */
async function failingBatches(sql: Client, userId: string): Promise<MadeBatch[]> {
  const batches: MadeBatch[] = [];
  for (let count = 0; count < 3; count++) {
    const batch = await makeBatch(sql, { userId, items: 1_000 });
    await endItems(sql, batch.jobs.slice(0, 200));
    await endItems(sql, batch.jobs.slice(200, 260), 'failed');
    batches.push(batch);
  }
  return batches;
}

/** Those of the heavy users, which fail from now on. */
async function failingWebhooks(sql: Client, heavy: readonly Guest[]): Promise<{ id: string; deliveries: string[] }[]> {
  const ids = `{${heavy.map(({ id }) => id).join(',')}}`;
  await sql`update pdfprompt_webhook set failing_since = now() - interval '2 hours' where user_id = any (${ids}::uuid[])`;
  // Not the oldest, whose jobs expire meanwhile.
  return sql<{ id: string; deliveries: string[] }[]>`
    select w.id, to_json(array(select d.id from pdfprompt_delivery d where d.webhook_id = w.id and d.status = 'delivered'
      order by d.created_at desc limit 40 offset 300)) as deliveries
    from pdfprompt_webhook w where w.user_id = any (${ids}::uuid[])`;
}

/** Seeded single jobs that failed have no document any more: some are given one. @returns those, of each user some */
export async function keepDocuments(
  sql: Client,
  guests: readonly Pick<Guest, 'id'>[],
): Promise<{ id: string; userId: string }[]> {
  const lists = await Promise.all(
    guests.map(
      ({ id }) => sql<{ id: string; userId: string }[]>`
        with kept as (
          update pdfprompt_job set keeps_parts = true where id = any (array(
            select id from pdfprompt_job where user_id = ${id} and status = 'failed' and batch_id is null order by id desc limit 10))
          returning id, user_id as "userId"
        ), parts as (
          update pdfprompt_part set content = '<p>x</p>' where job_id in (select id from kept)
        )
        select * from kept`,
    ),
  );
  return lists.flat();
}
