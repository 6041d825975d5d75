import type { Page } from 'puppeteer';
import { expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import { axeViolations, openBrowser, sitDown } from '../support/browser.ts';
import { signIn } from '../support/console.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { address, request, sql } = service;
const { db } = service.base;
const browser = await openBrowser();
const keyOf = async (scope: 'operator' | 'console:read') =>
  (await createKey(db, { email: 'ops@example.com', scopes: [scope] })).key;

const submit = async () =>
  ((await (await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' })).json()) as Job).id;
const onto = async (page: Page, act: () => Promise<unknown>) =>
  void (await Promise.all([page.waitForNavigation(), act()]));
const textOf = (page: Page, selector: string) =>
  page.$eval(selector, ({ textContent }) => (textContent ?? '').replaceAll(/\s+/g, ' ').trim());

/** Opens every page in light, dark and on a phone. */
const inAllLooks = async (key: string, paths: readonly string[]) => {
  for (const look of [{}, { scheme: 'dark' }, { width: 375 }] as const) {
    const { page, complaints, close } = await sitDown(browser, look);
    await page.goto(`${address}/console`);
    await page.type('#key', key);
    await onto(page, () => page.click('main button'));
    for (const path of paths) {
      await page.goto(`${address}${path}`);
      expect([path, look, await axeViolations(page)]).toEqual([path, look, []]);
      const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect([path, look, await page.evaluate(wide)]).toEqual([path, look, 0]);
    }
    expect(complaints).toEqual([]);
    await close();
  }
};

it('retries all failed jobs, and pauses and resumes, in a few clicks', { timeout: 60_000 }, async () => {
  const key = await keyOf('operator');
  const jobs = await Promise.all(Array.from({ length: 7 }, submit));
  await sql`update pdfprompt_job set status = 'failed', completed_at = now(), error_code = 'print_failed', error_message = 'x'`;
  const waiting = await submit();
  const { page, complaints, close } = await sitDown(browser);
  await page.goto(`${address}/console`);
  await page.type('#key', key);
  await onto(page, () => page.click('main button'));

  await page.goto(`${address}/console/jobs?status=failed`);
  await onto(page, () => page.click('#bulk-retry'));
  expect(await textOf(page, '#counted')).toBe('7 jobs of 1 user.');
  const asking = page.url();
  await onto(page, () => page.click('main form button'));
  await page.waitForFunction(`document.querySelector('#progress').textContent.includes('completed')`, {
    timeout: 30_000,
  });
  expect(await textOf(page, '#progress')).toContain('7 of 7 jobs');
  expect(await textOf(page, '.pairs tbody')).toMatch(/retried\s+7/);
  expect(await sql`select from pdfprompt_job where retry_of is not null`).toHaveLength(jobs.length);
  const action = page.url();

  await page.goto(`${address}/console/actions`);
  await page.type('#pause-user', 'ann@example.com');
  await page.type('#pause-reason', 'their template loops');
  await onto(page, () => page.click('button.danger'));
  expect(await textOf(page, '[role=status]')).toBe('It is paused.');
  const paths = ['/console', '/console/actions', '/console/jobs', `/console/jobs/${waiting}`].concat(
    [asking, action].map((url) => url.slice(address.length)),
  );
  await inAllLooks(key, paths);
  await page.goto(`${address}/console`);
  expect(await textOf(page, '#pauses')).toContain('ann@example.com are not begun: their template loops');
  expect(await textOf(page, '#paused-jobs')).toBe('8 paused');
  await page.goto(`${address}/console/jobs/${waiting}`);
  expect(await textOf(page, '#paused')).toContain('their template loops');

  await page.goto(`${address}/console/actions`);
  await onto(page, () => page.click('form[action$=end] button'));
  expect(await sql`select from pdfprompt_pause`).toHaveLength(0);
  expect(complaints).toEqual([]);
  await close();
  const acts = await sql<
    { what: string; detail: object | null }[]
  >`select what, detail from pdfprompt_audit where what <> 'signed in' order by id`;
  expect(acts.map(({ what }) => what)).toEqual(['started an action', 'paused', 'resumed']);
  expect(acts[0]?.detail).toMatchObject({ action: 'retry', expected: expect.any(Number), filter: expect.stringContaining('status=failed') }); // prettier-ignore
});

it('shows no button to a key that may only look, and refuses what it sends', async () => {
  const reader = await signIn(address, await keyOf('console:read'));
  for (const path of ['/console/actions', '/console/jobs?status=failed']) {
    const page = await (await reader.get(path)).text();
    expect(page).not.toMatch(/<button[^>]*>(Pause|Resume|Stop)|bulk-/);
  }
  expect((await reader.get('/console/actions/new?action=retry&status=failed')).status).toBe(403);
  for (const path of ['/actions', '/pauses', '/pauses/end', '/actions/01a20b1c-7e0d-7435-94b8-00000000000f/stop'])
    expect(
      (await reader.post(`/console${path}`, { action: 'retry', status: 'failed', whose: 'all', reason: 'x' })).status,
    ).toBe(403);
});

it('says what is wrong with a form', async () => {
  const operator = await signIn(address, await keyOf('operator'));
  const cases: [string, Record<string, string>, number, string][] = [
    ['/actions', { action: 'retry' }, 400, 'at least one field'],
    ['/actions', { action: 'explode', status: 'failed' }, 400, 'cancel, retry, replay'],
    ['/actions', { action: 'cancel', status: 'completed' }, 400, 'scheduled, queued, processing'],
    ['/pauses', { whose: 'user', user: 'nobody@example.com', reason: 'x' }, 404, 'nobody@example.com'],
    ['/pauses', { whose: 'user', user: '', reason: 'x' }, 404, 'an email or an id'],
    ['/pauses', { whose: 'tier:x', reason: 'x' }, 404, 'there is no tier x'],
    ['/pauses', { whose: 'all', reason: '' }, 400, '1 to 500 characters'],
    ['/pauses/end', { target: 'all' }, 404, 'is not paused'],
  ];
  for (const [path, form, status, words] of cases) {
    const answer = await operator.post(`/console${path}`, form);
    const text = await answer.text();
    expect([path, form, answer.status, text.includes(words)]).toEqual([path, form, status, true]);
  }
});
