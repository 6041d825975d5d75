import { beforeAll, describe, expect, it } from 'vitest';
import { createAdminKey, signIn, visitor } from '../support/console.ts';
import { startService } from '../support/service.ts';
import { createTenants, type Tenant } from '../support/tenants.ts';

const service = await startService();
const { address, sql, request } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];
const admin = await createAdminKey(service);
const operator = await signIn(address, admin.key);
const HOSTILE = '<script>alert(1)</script>';

const read = async (path: string) => {
  const response = await operator.get(`/console${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
};
/** As a reader sees it. */
const words = (page: string) =>
  page
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll(/\s+/g, ' ');

const put = async ({ key }: Tenant, name: string, more: object = {}) => {
  const body = { cron: '0 8 1 * *', timezone: 'Europe/Vienna', request: { html: 'canary-1' }, ...more };
  const response = await request(`/v1/schedules/${name}`, { method: 'PUT', key, body: JSON.stringify(body) });
  expect(response.status).toBeLessThan(300);
  const [row] = await sql<{ id: string }[]>`select id from pdfprompt_schedule where name = ${name}`;
  return row?.id ?? '';
};
let monthly: string;
let paused: string;

beforeAll(async () => {
  monthly = await put(ann, 'monthly');
  paused = await put(bob, 'paused', { cron: '@daily', timezone: 'UTC', paused: true, missed: 'skip' });
  await sql`
    insert into pdfprompt_schedule_run (schedule_id, planned_at, user_id, status, skipped, job_id, error_code, error_message)
    values (${monthly}, now() - interval '1 hour', ${ann.userId}, 'submitted', 0, ${ann.jobs.completed}, null, null),
      (${monthly}, now() - interval '2 hours', ${ann.userId}, 'refused', 0, null, 'rate_limited', ${HOSTILE}),
      (${monthly}, now() - interval '3 hours', ${ann.userId}, 'skipped', 12, null, null, null)`;
  await sql`
    insert into pdfprompt_schedule_run (schedule_id, planned_at, user_id, status, skipped)
    select ${monthly}, now() - n * interval '1 day', ${ann.userId}, 'skipped', 1 from generate_series(1, 60) n`;
});

describe('the pages of schedules', () => {
  it('are for operators, and have nothing inline, nor what the request holds', async () => {
    for (const path of [
      '/schedules',
      `/schedules?user=${ann.userId}`,
      `/schedules/${monthly}`,
      '/fragments/schedules',
    ]) {
      expect(await read(path)).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|canary/);
      for (const cookie of ['', (await signIn(address, ann.key)).cookie]) {
        const { status } = await visitor(address, cookie).get(`/console${path}`);
        expect([path, status]).toEqual([path, path.startsWith('/fragments') ? 401 : 303]);
      }
    }
    for (const path of ['/schedules/01a20b1c-7e0d-7435-94b8-d6ab64f6fe25', '/schedules/x', '/schedules?q=x'])
      expect([path, (await operator.get(`/console${path}`)).status]).toEqual([path, 404]);
  });

  it('list those of all users, or of one: when each runs next, and what became of the last run', async () => {
    const text = words(await read('/schedules'));
    expect(text).toMatch(/paused bob@b\.example @daily UTC paused –/);
    expect(text).toMatch(/monthly ann@a\.example 0 8 1 \* \* Europe\/Vienna \d{4}-\d\d-01 0[67]:00:00 in [\w ]+ completed [\d:-]+/);
    const located = (await operator.get('/console/schedules?q=ann@a.example')).headers.get('location');
    expect(located).toBe(`/console/schedules?user=${ann.userId}`);
    expect(words(await read(`/schedules?user=${ann.userId}`))).not.toContain('@daily');
  }); // prettier-ignore

  it('have the history of one, newest first, with its jobs', async () => {
    const page = await read(`/schedules/${monthly}`);
    const text = words(page);
    expect(text).toContain(`completed ${ann.jobs.completed}`);
    expect(page).toContain(`href="/console/jobs/${ann.jobs.completed}"`);
    expect(text).toContain(`refused rate_limited ${HOSTILE}`);
    expect(page).not.toContain(HOSTILE);
    expect(text).toContain('skipped 12 times');
    expect(text).toMatch(/Then at (?:\d{4}-\d\d-01 0[67]:00:00 ?, ?){3}\d{4}-\d\d-01/);
    const older = /rel="next"\s+href="\/console(\/schedules\/[^"]+)"/.exec(page)?.[1] ?? '';
    expect((await read(older)).match(/<th scope="row">/g)).toHaveLength(13);
    expect(words(await read(`/schedules/${paused}`))).toContain('are skipped');
  });
});
