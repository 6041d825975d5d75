import { describe, expect, it } from 'vitest';
import { createAdminKey, signIn, visitor } from '../support/console.ts';
import { ANSWER, sentDeliveries } from '../support/sent-deliveries.ts';
import { startService } from '../support/service.ts';
import { createTenants, type Tenant } from '../support/tenants.ts';

const service = await startService();
const { address, sql, lines } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];
const admin = await createAdminKey(service);
const operator = await signIn(address, admin.key);
const jobId = ann.jobs.completed;
const sent = await sentDeliveries(sql, { userId: ann.userId, jobId });

const read = async (path: string) => {
  const response = await operator.get(`/console${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
};
/** As a reader sees it. */
const words = (page: string) =>
  page
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"');
const statusOf = async (id: string) => (await sql`select status, round from pdfprompt_delivery where id = ${id}`)[0];
const isWell = (changes: object) =>
  sql`update pdfprompt_webhook set ${sql(changes)} where id in (${sent.failing}, ${sent.gone})`;

const PAGES = [
  '/webhooks',
  '/webhooks?show=all',
  `/webhooks?user=${ann.userId}`,
  `/webhooks/${sent.failing}`,
  `/webhooks/${sent.failing}?status=failed`,
  '/fragments/webhooks',
  `/fragments/webhooks/${sent.failing}`,
  `/fragments/webhooks/${sent.failing}/deliveries?status=failed`,
  `/fragments/jobs/${jobId}/deliveries`,
  `/jobs/${jobId}`,
];

describe('the pages', () => {
  it('are for operators, and have nothing inline and nothing secret', async () => {
    for (const path of PAGES) {
      const page = await read(path);
      expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|canary|whsec_/);
      const { status } = await visitor(address).get(`/console${path}`);
      expect([path, status]).toEqual([path, path.startsWith('/fragments') ? 401 : 303]);
      const { status: ofUser } = await visitor(address, (await signIn(address, ann.key)).cookie).get(`/console${path}`);
      expect([path, ofUser]).toEqual([path, path.startsWith('/fragments') ? 401 : 303]);
    }
  });

  it('are not there for what is not there', async () => {
    const nothing = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';
    for (const path of [`/webhooks/${nothing}`, '/webhooks/x', `/fragments/webhooks/${nothing}`, `/fragments/jobs/${nothing}/deliveries`, `/webhooks?user=${nothing}`])
      expect([path, (await operator.get(`/console${path}`)).status]).toEqual([path, 404]);
    expect((await operator.get('/console/webhooks?user=x')).status).toBe(400);
    for (const path of [`/webhooks/${nothing}/replay`, `/webhooks/x/deliveries/${sent.failed}/replay`, `/jobs/${nothing}/deliveries/${sent.failed}/replay`])
      expect([path, (await operator.post(`/console${path}`)).status]).toEqual([path, 404]);
  }); // prettier-ignore
});

describe('the page of a job', () => {
  it('has what was sent: where to, how each attempt ended, and what comes next', async () => {
    const page = await read(`/jobs/${jobId}`);
    const text = words(page);
    expect(text).toContain('failed job.completed https://hooks.example.com/failing/');
    expect(text).toMatch(/Given up at [\d:]+ , after 3 attempts\./);
    expect(text).toContain('the connection timed out');
    expect(text).toContain('redirects are not followed');
    expect(text).toContain(ANSWER);
    expect(page).not.toContain(ANSWER); // but as text
    expect(text).toMatch(
      /pending upload https:\/\/put\.example\.com\/bucket\/invoice\.pdf 1 attempt\. The next is in 4 min \d+ s/,
    );
    expect(text).toMatch(/Delivered at [\d:]+ , by 1 attempt\./);
    expect(text).toContain(': the webhook is off.');
    expect(page).toContain(`data-live="/console/fragments/jobs/${jobId}/deliveries"`);
    expect(words(await read(`/jobs/${bob.jobs.completed}`))).not.toContain('Deliveries');
  });

  it('says what is to come while the job has not ended', async () => {
    const body = JSON.stringify({ html: 'x', webhook: 'https://new.example.com/hook?canary-5' });
    const response = await service.request('/v1/jobs', { method: 'POST', key: bob.key, body });
    const { id } = (await response.json()) as { id: string };
    expect(words(await read(`/jobs/${id}`))).toContain(
      'pending webhook https://new.example.com/hook It is sent when the job has ended.',
    );
    await service.request(`/v1/jobs/${id}`, { method: 'DELETE', key: bob.key });
    const ended = await read(`/jobs/${id}`);
    expect(words(ended)).toContain('It is being sent, or is next.');
    expect(ended).not.toContain('canary');
  });

  it('sends one again that has failed, for its owner, and the log knows who did', async () => {
    const path = `/console/jobs/${jobId}/deliveries/${sent.failed}/replay`;
    expect((await operator.post(path, {}, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await visitor(address).post(path)).headers.get('location')).toBe('/console/sign-in');
    expect((await operator.post(`/console/jobs/${bob.jobs.completed}/deliveries/${sent.failed}/replay`)).status).toBe(404);
    expect(await statusOf(sent.failed)).toMatchObject({ status: 'failed' });

    const response = await operator.post(path);
    expect([response.status, response.headers.get('location')]).toEqual([303, `/console/jobs/${jobId}?done=sent-again`]);
    expect(await statusOf(sent.failed)).toMatchObject({ status: 'ready', round: 0 });
    expect(words(await read(`/jobs/${jobId}?done=sent-again`))).toContain('It will be sent again.');
    expect(lines.filter((line) => line.includes('"sent deliveries again"') && line.includes(admin.id) && line.includes(jobId))).toHaveLength(1);
    await sql`update pdfprompt_delivery set status = 'failed', ended_at = now() where id = ${sent.failed}`;
  }); // prettier-ignore

  it('says why something is not sent again', async () => {
    const [off] = await sql<{ id: string }[]>`select id from pdfprompt_delivery where webhook_id = ${sent.gone}`;
    const response = await operator.post(`/console/jobs/${jobId}/deliveries/${off?.id}/replay`);
    expect(response.status).toBe(409);
    expect(words(await response.text())).toMatch(/Not sent again: the webhook is off/);
  });
});

describe('the list of webhooks', () => {
  it('has those in trouble, of all users; all on demand; and those of one user', async () => {
    const ids = (page: string) => [...page.matchAll(/id="webhook-([\w-]+)"/g)].map(([, id = '']) => id);
    const other = await sentDeliveries(sql, { userId: bob.userId, jobId: bob.jobs.completed });
    const { well, failing, gone, asked } = sent;
    expect(ids(await read('/webhooks'))).toEqual([other.gone, other.failing, gone, failing]);
    expect(ids(await read('/webhooks?show=all')).toSorted()).toEqual(
      [sent, other].flatMap((each) => [each.well, each.failing, each.gone, each.asked]).toSorted(),
    );
    const own = await read(`/webhooks?user=${ann.userId}`);
    expect(ids(own)).toEqual([asked, gone, failing, well]);
    expect(words(own)).toMatch(/ off for \d+ s .*switched off for \d+ s .*failing for 2 h .*\/well on /);
    const next = await read(`/webhooks?show=all&cursor=${failing}`);
    expect(ids(next)).toEqual([well]);
    await sql`update pdfprompt_webhook set deleted_at = now() where user_id = ${bob.userId}`;
    expect(ids(await read('/webhooks?show=all'))).toEqual([asked, gone, failing, well]);
  });

  it('counts what waits and what has failed, up to a thousand', async () => {
    const rowOf = async (id: string) =>
      words((await read('/webhooks?show=all')).split('<tr>').find((row) => row.includes(`webhook-${id}`)) ?? '').trim();
    expect(await rowOf(sent.failing)).toMatch(/ 0 1$/);
    await sql`insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, host, event, status, ended_at)
      select gen_random_uuid(), ${ann.userId}, ${ann.jobs.failed}, 'webhook', ${sent.failing}, 'hooks.example.com', 'job.failed', 'failed', now()
      from generate_series(1, 110)`;
    expect(await rowOf(sent.failing)).toMatch(/ 0 100\+$/);
    await sql`delete from pdfprompt_delivery where job_id = ${ann.jobs.failed}`;
  });
});

describe('the page of a webhook', () => {
  it('says how it is, and what was sent, by status', async () => {
    const page = words(await read(`/webhooks/${sent.failing}`));
    expect(page).toMatch(
      /State failing User ann@a\.example Last success .* ago Failing since .*, 2 h ago Waiting 0 Failed 1/,
    );
    expect(page).toContain(`failed job.completed job`);
    expect(words(await read(`/webhooks/${sent.failing}?status=delivered`))).toContain('There are no such deliveries.');
    expect(words(await read(`/webhooks/${sent.well}?status=delivered`))).toMatch(
      /Delivered at [\d:]+ , by 1 attempt\./,
    );
    const off = await read(`/webhooks/${sent.gone}`);
    expect(words(off)).toContain('It answered 410, gone: the receiver wants nothing more. Nothing is sent to it.');
    expect(off).not.toContain('/replay"');
    expect(words(await read(`/webhooks/${sent.asked}`))).toContain('Its owner turned it off.');
  });

  it('sends all again that has failed since a time', async () => {
    const path = `/console/webhooks/${sent.failing}/replay`;
    const again = async (since: string) => {
      const response = await operator.post(path, { since });
      return [response.status, response.headers.get('location')];
    };
    const at = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 16);
    expect((await operator.post(path, { since: at(-3_600_000) }, { origin: 'https://evil.example' })).status).toBe(403);
    expect(await again(at(3_600_000))).toEqual([303, `/console/webhooks/${sent.failing}?again=0`]);
    expect(await statusOf(sent.failed)).toMatchObject({ status: 'failed' });
    expect(words(await read(`/webhooks/${sent.failing}?again=0`))).toContain('Nothing has failed since then.');
    for (const bad of ['', 'yesterday', '2031-13-01T00:00', "2031-01-01T00:00'; drop table x", '2031-01-01T00:00:00+05:00'])
      expect([bad, (await again(bad))[0]]).toEqual([bad, 400]);
    const refused = await operator.post(path, { since: 'x' });
    expect(words(await refused.text())).toContain('Not sent again: allowed: a time in UTC, such as 2031-12-31T00:00.');

    expect(await again(at(-3_600_000))).toEqual([303, `/console/webhooks/${sent.failing}?again=1`]);
    expect(await statusOf(sent.failed)).toMatchObject({ status: 'ready', round: 0 });
    expect(words(await read(`/webhooks/${sent.failing}?again=1`))).toContain('1 delivery will be sent again.');
    expect(words(await read(`/webhooks/${sent.failing}?again=5000&more=yes`))).toContain('5,000 deliveries will be sent again. There may be more');
    await sql`update pdfprompt_delivery set status = 'failed', ended_at = now() where id = ${sent.failed}`;
    const one = await operator.post(`/console/webhooks/${sent.failing}/deliveries/${sent.failed}/replay`);
    expect(one.headers.get('location')).toBe(`/console/webhooks/${sent.failing}?again=1`);
    expect(await statusOf(sent.failed)).toMatchObject({ status: 'ready' });
    expect((await operator.post(`/console/webhooks/${sent.well}/deliveries/${sent.failed}/replay`)).status).toBe(404);
    expect((await operator.post(`/console/webhooks/${sent.gone}/replay`, { since: at(0) })).status).toBe(409);
    expect(lines.filter((line) => line.includes('"sent deliveries again"') && line.includes(sent.failing))).toHaveLength(2);
  }); // prettier-ignore
});

describe('the overview', () => {
  it('says that webhooks are off, or have failed for an hour', async () => {
    // Each in a process of its own: one that has shown the overview shows it for 5 s as it was.
    const text = async () => {
      const other = await startService({ database: service });
      const page = await (await signIn(other.address, admin.key)).get('/console');
      expect(page.status).toBe(200);
      return words(await page.text());
    };
    expect(words(await read(''))).toContain(
      '1 webhook had no success for an hour or more; 1 webhook was switched off this week. Which ones',
    );
    await isWell({ failing_since: new Date(Date.now() - 3_000_000), off_since: null, off_reason: null });
    expect(await text()).not.toContain('webhook had');
    await isWell({ off_since: new Date(), off_reason: 'asked' });
    expect(await text()).not.toContain('webhook was');
  });
});
