import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createKey } from '../../src/accounts/keys.ts';
import { getUser } from '../../src/accounts/users.ts';
import { scheduleRunSchema, scheduleSchema, wholeScheduleSchema } from '../../src/http/schedule-schemas.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { scheduleFields } from '../../src/schedules/schedule.ts';
import { blocksOf } from '../support/document-examples.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

type Schedule = z.infer<typeof wholeScheduleSchema>;
type Run = z.infer<typeof scheduleRunSchema>;
interface Problem {
  code: string;
  detail: string;
  errors: { field: string; message: string }[];
}

const service = await startService();
const { sql, base } = service;
const MONTHLY = { cron: '0 8 1 * *', timezone: 'Europe/Vienna', request: { html: '<p>Report</p>' } };

interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

async function ask<T>(method: string, path: string, body?: object, key = service.key): Promise<Answer<T>> {
  const init = { method, key, ...(body && { body: JSON.stringify(body) }) };
  const response = await service.request(`/v1/schedules${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text === '' ? 'null' : text) as never };
}
const put = (name: string, more: object = {}, key?: string) =>
  ask<Schedule>('PUT', `/${name}`, { ...MONTHLY, ...more }, key);
const read = async (name: string, key?: string) => (await ask<Schedule>('GET', `/${name}`, undefined, key)).body;
const runsOf = async (name: string, query = '') => (await ask<{ data: Run[]; nextCursor: string | null }>('GET', `/${name}/runs${query}`)).body; // prettier-ignore
const refusalOf = async (more: object) => {
  const { status, body } = await ask<Problem>('PUT', '/refused', { ...MONTHLY, ...more });
  return [status, body.errors.map(({ field, message }) => `${field}: ${message}`).join('; ')];
};
const makeDue = (name: string, ago = '1 second') =>
  sql`update pdfprompt_schedule set next_at = now() - ${ago}::interval where name = ${name}`;

const untilRun = (name: string) =>
  eventually(async () => (await read(name)).lastRun?.status === 'submitted', 60_000, `a run of ${name}`);

describe('PUT /v1/schedules/{name}', () => {
  it('saves a schedule, and says when it will run', async () => {
    const { status, body } = await put('report');
    expect(wholeScheduleSchema.strict().safeParse(body).error).toBeUndefined();
    expect([status, body]).toMatchObject([
      201,
      { name: 'report', ...MONTHLY, missed: 'run', paused: false, lastRun: null },
    ]);
    expect(body.nextTimes).toHaveLength(5);
    expect(body.nextAt).toBe(body.nextTimes[0]);
    for (const time of body.nextTimes)
      expect(new Date(time).toLocaleString('sv', { timeZone: 'Europe/Vienna' })).toMatch(/-01 08:00:00$/);
  });

  it('replaces it, with other times from now on', async () => {
    const { status, body } = await put('report', { cron: '@daily', timezone: 'UTC', missed: 'skip' });
    expect([status, body]).toMatchObject([200, { cron: '@daily', timezone: 'UTC', missed: 'skip' }]);
    expect(body.nextAt).toMatch(/T00:00:00/);
  });

  it('still runs what is due if it is saved again before it was run', async () => {
    await put('again');
    const [before] = await sql`update pdfprompt_schedule set next_at = now() + interval '700 ms' where name = 'again' returning next_at`; // prettier-ignore
    await put('again', { request: { html: 'newer' } });
    const [after] = await sql`select next_at from pdfprompt_schedule where name = 'again'`;
    expect(after).toEqual(before);
    await untilRun('again');
  });

  it('has no times while it is paused', async () => {
    expect((await put('paused', { paused: true })).body).toMatchObject({ paused: true, nextAt: null, nextTimes: [] });
    expect((await put('paused')).body.nextTimes).toHaveLength(5);
  });

  it.each([
    ['cron: it has 6 fields; allowed: 5 (minute, hour, day of the month, month, day of the week), without seconds', { cron: '0 0 8 1 * *' }],
    ['cron: the hour 24 is not valid; allowed: 0 to 23, *, lists as 1,15', { cron: '0 24 * * *' }],
    ['cron: the day of the month 32 is not valid; allowed: 1 to 31', { cron: '0 0 32 * *' }],
    ['cron: the minute ? is not valid', { cron: '? 0 1 * *' }],
    ['cron: the month JANUARY is not valid', { cron: '0 0 1 JANUARY *' }],
    ['cron: there is no @montly; did you mean @monthly?', { cron: '@montly' }],
    ['cron: there is no @reboot; allowed: @yearly', { cron: '@reboot' }],
    ['cron: it has 1 fields', { cron: '2031-01-01T00:00:00Z' }],
    ['cron: there is no such time; allowed: one that comes', { cron: '0 0 30 2 *' }],
    ['timezone: there is no such time zone; did you mean Europe/Vienna?', { timezone: 'Europe/Viena' }],
    ['timezone: there is no such time zone; allowed', { timezone: '+01:00' }],
    ['missed: ', { missed: 'once' }],
    ['pause: unknown field; did you mean paused?', { pause: true }],
    ['request.html: required: exactly one of', { request: {} }],
    ['request.filname: unknown field; did you mean filename?', { request: { html: 'x', filname: 'x' } }],
    ['request.template: you have no template invoice', { request: { template: 'invoice' } }],
    ['request.webhook: there is no such endpoint', { request: { html: 'x', webhook: '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25' } }],
    ['request.webhook: ', { request: { html: 'x', webhook: 'http://127.0.0.1/' } }],
    ['request.files["index.html"]: assets are kept for a day only', { request: { files: { 'index.html': 'a'.repeat(64) } } }],
    ['request.pdf.job: the PDF of a job expires', { request: { pdf: { job: '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25' } } }],
    ['request: it has 1048588 bytes; allowed: 1048576', { request: { html: 'x'.repeat(1_048_577) } }],
  ])('refuses with %j', async (message, more) => {
    expect(await refusalOf(more)).toEqual([400, expect.stringContaining(message)]);
  }); // prettier-ignore

  it('refuses a name that is none, and one schedule more than a hundred', async () => {
    expect((await put('Not-A-Name')).status).toBe(400);
    const key = await service.newKey('many@example.com');
    const { id } = await getUser(base.db, { email: 'many@example.com' });
    await sql`insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request)
      select gen_random_uuid(), ${id}, 'n' || n, '@daily', 'UTC', '{}' from generate_series(1, 99) n`;
    expect((await put('last', {}, key)).status).toBe(201);
    expect(await put('more', {}, key)).toMatchObject({ status: 403, body: { code: 'schedule_limit_reached' } });
    expect((await put('last', {}, key)).status).toBe(200);
    const first = await ask<{ data: Schedule[]; nextCursor: string }>('GET', '?limit=60', undefined, key);
    const second = await ask<{ data: Schedule[]; nextCursor: null }>('GET', `?limit=60&cursor=${first.body.nextCursor}`, undefined, key); // prettier-ignore
    const all = [...first.body.data, ...second.body.data];
    expect([all.length, second.body.nextCursor]).toEqual([100, null]);
    expect(all.map((each) => scheduleSchema.strict().safeParse(each).error)).toEqual(all.map(() => undefined));
    await eraseUser(base, { id });
    expect(await sql`select from pdfprompt_schedule where user_id = ${id}`).toEqual([]);
  });
});

describe('a schedule', () => {
  it('is nobody else’s', async () => {
    await put('mine');
    const other = await service.newKey('bob@example.com');
    for (const [method, path] of [['GET', ''], ['GET', '/runs'], ['POST', '/run'], ['DELETE', '']] as const)
      expect([path, (await ask(method, `/mine${path}`, undefined, other)).status]).toEqual([path, 404]);
    expect((await ask<{ data: [] }>('GET', '', undefined, other)).body.data).toEqual([]);
    expect((await put('mine', { cron: '@yearly' }, other)).status).toBe(201);
    expect((await read('mine')).cron).toBe(MONTHLY.cron);
  }); // prettier-ignore

  it('hides its request, which may hold credentials, from keys that cannot write', async () => {
    await put('secret', { request: { url: 'https://example.com', cookies: [{ name: 'a', value: 'b' }] } });
    const { key } = await createKey(base.db, { email: 'ann@example.com', scopes: ['jobs:read'] });
    expect((await read('secret', key)).request).toBeNull();
    expect((await read('secret')).request).toMatchObject({ cookies: [{ value: 'b' }] });
  });

  it('runs at its time, and keeps a history with the job', async () => {
    await put('due', { request: { html: 'x', metadata: { of: 'due' } } });
    await makeDue('due');
    await untilRun('due');
    const { data } = await runsOf('due');
    expect(data.map((run) => scheduleRunSchema.strict().safeParse(run).error)).toEqual([undefined]);
    expect(data).toMatchObject([{ asked: false, status: 'submitted', job: { status: 'queued' }, error: null }]);
    const job = await service.request(`/v1/jobs/${data[0]?.job?.id}`);
    expect(await job.json()).toMatchObject({ status: 'queued', metadata: { of: 'due' } });
    expect(Date.parse((await read('due')).nextAt ?? '')).toBeGreaterThan(Date.now());
  });

  it('runs now if it is asked to, also while it is paused', async () => {
    await put('asked', { paused: true });
    const answers = [];
    for (let count = 0; count < 3; count++) answers.push(await ask<{ id: string }>('POST', '/asked/run'));
    expect(answers.map(({ status, headers, body }) => [status, headers.get('location') === `/v1/jobs/${body.id}`])).toEqual(answers.map(() => [202, true])); // prettier-ignore
    const newest = await runsOf('asked', '?limit=2');
    const oldest = await runsOf('asked', `?limit=2&cursor=${newest.nextCursor}`);
    const runs = [...newest.data, ...oldest.data];
    expect(runs.map(({ job }) => job?.id)).toEqual(answers.map(({ body }) => body.id).toReversed());
    expect(runs.map(({ asked, status }) => [asked, status])).toEqual(runs.map(() => [true, 'submitted']));
    expect(oldest.nextCursor).toBeNull();
  });

  it('is not run on request over the limit of the minute', async () => {
    await sql`insert into pdfprompt_tier values ('one', 1, 10, 1)`;
    const { key } = await createKey(base.db, { email: 'one@example.com', tier: 'one' });
    await put('limited', {}, key);
    expect((await ask('POST', '/limited/run', undefined, key)).status).toBe(202);
    const refused = await ask<Problem>('POST', '/limited/run', undefined, key);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    const { data } = (await ask<{ data: Run[] }>('GET', '/limited/runs', undefined, key)).body;
    expect(data).toHaveLength(1);
  });

  it('is deleted with its history; its jobs stay', async () => {
    await put('gone');
    const { body } = await ask<{ id: string }>('POST', '/gone/run');
    expect((await ask('DELETE', '/gone')).status).toBe(204);
    for (const path of ['', '/runs']) expect((await ask('GET', `/gone${path}`)).status).toBe(404);
    expect((await ask('DELETE', '/gone')).status).toBe(404);
    expect((await service.request(`/v1/jobs/${body.id}`)).status).toBe(200);
  });
});

describe('docs/schedules.md', () => {
  it('has examples that save a schedule, run it and list its runs', async () => {
    const page = readFileSync(new URL('../../docs/schedules.md', import.meta.url), 'utf8');
    const outputs = [];
    for (const block of blocksOf(page, 'sh')) {
      const script = block.replaceAll('http://127.0.0.1:3000', service.address).replaceAll('pdf_…', service.key);
      outputs.push((await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script])).stdout);
    }
    expect(outputs).toHaveLength(2);
    expect(JSON.parse(outputs[0] ?? '')).toMatchObject({ name: 'monthly-report', paused: false });
    expect(outputs[1]).toMatch(/"metadata":\{"kind":"report"\}.*"asked":true,"status":"submitted"/);
    for (const name of Object.keys(scheduleFields.shape)) expect(page).toContain(`| \`${name}\` `);
  });
});
