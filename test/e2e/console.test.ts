/** @module-tag long */

import type { Page } from 'puppeteer';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { axeViolations, openBrowser, sitDown } from '../support/browser.ts';
import { createAdminKey } from '../support/console.ts';
import { eventually } from '../support/processes.ts';
import { ANSWER, type SentDeliveries, sentDeliveries } from '../support/sent-deliveries.ts';
import { startService } from '../support/service.ts';

const service = await startService({ worker: true, env: { PDFPROMPT_WORKER_CONCURRENCY: '1' } });
const { address, request, sql } = service;
const admin = await createAdminKey(service);
const browser = await openBrowser();

const submit = async (body: object) =>
  ((await (await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) })).json()) as Job).id;
const statusOf = async (id: string) => ((await (await request(`/v1/jobs/${id}`)).json()) as Job).status;
const isOver = (id: string) => request(`/v1/jobs/${id}?wait=60`);

const html = '<h1>Invoice</h1>';
let completed = '';
let failed = '';
let sent: SentDeliveries;
let userId = '';

/** Behind it nothing is rendered. */
const occupyWorker = async () => {
  const id = await submit({ html, waitForTimeout: 290_000, timeoutMs: 300_000 });
  toCancel.push(id);
  await eventually(async () => (await statusOf(id)) === 'processing', 60_000, 'the worker is busy');
  return id;
};
const cancel = (id: string) => request(`/v1/jobs/${id}`, { method: 'DELETE' });

/** What a test keeps the worker busy with. */
const toCancel: string[] = [];
afterEach(async () => {
  for (const id of toCancel.splice(0)) await cancel(id);
});

/** Does what leads to another page, and waits for that. */
const onto = async (page: Page, act: () => Promise<unknown>) =>
  void (await Promise.all([page.waitForNavigation(), act()]));

async function signIn(page: Page): Promise<void> {
  await page.goto(`${address}/console`);
  await page.type('#key', admin.key);
  await onto(page, () => page.click('main button'));
}

async function search(page: Page, what: string): Promise<void> {
  await page.$eval('#q', (input) => ((input as unknown as { value: string }).value = ''));
  await page.type('#q', what);
  await onto(page, () => page.click('.search button'));
}

const textOf = (page: Page, selector: string) => page.$eval(selector, ({ textContent }) => textContent?.trim() ?? '');

beforeAll(async () => {
  completed = await submit({ html, filename: 'invoice.pdf', metadata: { order: 4711 } });
  await isOver(completed);
  failed = await submit({ html, waitForSelector: { selector: '#never', timeout: 100 } });
  await isOver(failed);
  const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user where email = 'ann@example.com'`;
  userId = user?.id ?? '';
  sent = await sentDeliveries(sql, { userId, jobId: completed });
});

describe('the console, in a browser', () => {
  it('signs in, searches, cancels, retries, and shows a PDF, without a complaint of the browser', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    expect(await textOf(page, 'h1')).toBe('Overview');

    await search(page, completed);
    expect(await textOf(page, 'h1')).toContain(completed);
    const pdf = await page.evaluate(`fetch(document.querySelector('iframe').src).then(async (response) => ({
      type: response.headers.get('content-type'), start: (await response.text()).slice(0, 5) }))`);
    expect(pdf).toEqual({ type: 'application/pdf', start: '%PDF-' });

    await search(page, 'ann@example.com');
    expect(await textOf(page, '.of')).toContain('ann@example.com');
    await onto(page, () => page.click(`#job-${failed}`));
    expect(await textOf(page, '.message-refused')).toContain('selector_not_found');
    await onto(page, () => page.click('.actions button'));
    const newId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect(await textOf(page, '[role=status]')).toBe('This is the new job.');
    expect(newId).not.toBe(failed);
    await isOver(newId);
    // The page notices by itself.
    await page.waitForSelector('.message-refused', { timeout: 30_000 });

    await occupyWorker();
    const queued = await submit({ html });
    await search(page, queued);
    await onto(page, () => page.click('.actions button'));
    expect(await textOf(page, '[role=status]')).toContain('The job was cancelled');
    expect(await statusOf(queued)).toBe('cancelled');
    expect(complaints).toEqual([]);
    await close();
  }, 180_000);

  it('is live while it is looked at, keeps what is open and where the focus is, and can be paused', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    await page.click('#numbers > summary');
    await page.focus('#tile-failed');
    await occupyWorker();
    const queued = [await submit({ html }), await submit({ html })];
    await page.waitForFunction(`document.querySelector('#tile-queued').textContent === '2'`, { timeout: 30_000 });
    expect(await page.evaluate('document.activeElement.id')).toBe('tile-failed');
    expect(await page.evaluate(`document.querySelector('#numbers').open`)).toBe(true);

    await page.click('#live-switch');
    expect(await page.$eval('#live-switch', (button) => button.getAttribute('aria-pressed'))).toBe('false');
    let requests = 0;
    page.on('request', () => requests++);
    for (const id of queued) await cancel(id);
    await page.click('#live-switch');
    await page.waitForFunction(`document.querySelector('#tile-queued').textContent === '0'`, { timeout: 30_000 });
    expect(requests).toBeGreaterThan(0);

    await sql`delete from pdfprompt_console_session`;
    await page.waitForSelector('#key', { timeout: 30_000 }); // signed out elsewhere: it asks to sign in again
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await close();
  }, 180_000);

  it('works by keyboard alone, and shows where the focus is', async () => {
    await occupyWorker();
    const queued = await submit({ html });
    const { page, complaints, close } = await sitDown(browser);
    const { keyboard } = page;
    const pressUntil = async (condition: string) => {
      for (let presses = 0; !(await page.evaluate(condition)); presses++) {
        expect(presses, `until ${condition}`).toBeLessThan(40);
        await keyboard.press('Tab');
        const outline = await page.evaluate(
          `(({ outlineStyle, outlineWidth }) => outlineStyle + ' ' + outlineWidth)(getComputedStyle(document.activeElement))`,
        );
        expect(outline).toMatch(/^(solid|auto) [1-9]/);
      }
    };
    await page.goto(`${address}/console`);
    expect(await page.evaluate('document.activeElement.id')).toBe('key');
    await keyboard.type(admin.key);
    await onto(page, () => keyboard.press('Enter'));

    await keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.reload();
    await pressUntil(`document.activeElement.id === 'q'`);
    await keyboard.type(queued);
    await onto(page, () => keyboard.press('Enter'));
    await pressUntil(`document.activeElement.textContent === 'Cancel this job'`);
    await onto(page, () => keyboard.press('Enter'));
    expect(await statusOf(queued)).toBe('cancelled');
    expect(complaints).toEqual([]);
    await close();
  }, 180_000);

  it('leads from what is wrong to the webhook and to its deliveries, and sends them again', async () => {
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    expect(await textOf(page, '#troubles')).toContain('1 webhook had no success for an hour or more');
    await onto(page, () => page.click('#troubles-link'));
    await onto(page, () => page.click(`#webhook-${sent.failing}`));
    expect(await textOf(page, `#tries-${sent.failed}`)).toContain('redirects are not followed');
    await page.click(`#answer-${sent.failed}-2 > summary`);
    expect(await textOf(page, `#answer-${sent.failed}-2 pre`)).toBe(ANSWER);
    await onto(page, () => page.click('.actions button'));
    expect(await textOf(page, '[role=status]')).toBe('1 delivery will be sent again.');
    await sql`update pdfprompt_delivery set status = 'failed', ended_at = now(), claimed_until = null where id = ${sent.failed}`;

    await onto(page, () => page.click(`#of-${sent.failed}`));
    expect(await textOf(page, 'h1')).toContain(completed);
    await page.waitForSelector(`#replay-${sent.failed}`);
    await onto(page, () => page.click(`#replay-${sent.failed}`));
    expect(await textOf(page, '[role=status]')).toBe('It will be sent again.');
    await sql`update pdfprompt_delivery set status = 'failed', ended_at = now(), claimed_until = null where id = ${sent.failed}`;
    await page.waitForSelector(`#replay-${sent.failed}`, { timeout: 30_000 }); // the page notices by itself
    expect(complaints).toEqual([]);
    await close();
  }, 120_000);

  it('shows times in the time zone of the browser, or in UTC, also after a refresh', async () => {
    const { page, complaints, close } = await sitDown(browser, { width: 390 });
    await page.emulateTimezone('Asia/Kathmandu'); // 5:45 h ahead, all year
    await signIn(page);
    await page.goto(`${address}/console/jobs/${completed}`);
    const shown = () =>
      page.$eval('.facts time', (time) => ({
        text: time.textContent.slice(-8),
        utc: time.getAttribute('datetime')?.slice(11, 19) ?? '',
      }));
    const seconds = (text: string) => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    const ahead = async () => {
      const { text, utc } = await shown();
      return (seconds(text) - seconds(utc) + 86_400) % 86_400;
    };
    expect(await ahead()).toBe(5.75 * 3_600);
    expect(await textOf(page, '#clock-text')).toContain('UTC+5:45');
    await page.click('#clock-switch');
    expect(await ahead()).toBe(0);
    await page.reload();
    expect(await ahead()).toBe(0); // it is remembered

    await page.click('.bar .menu');
    expect(await page.$eval('#pages', (menu) => menu.matches(':popover-open'))).toBe(true);
    await onto(page, () => page.click('#pages a[href="/console/users"]'));
    expect(await textOf(page, 'h1')).toBe('Users');
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  it('works without scripts', async () => {
    const { page, close } = await sitDown(browser, { isScripted: false });
    await signIn(page);
    await search(page, failed);
    await onto(page, () => page.click('.actions button'));
    expect(await textOf(page, '[role=status]')).toBe('This is the new job.');
    await onto(page, () => page.click('.who button'));
    expect(await textOf(page, 'h1')).toBe('Sign in');
    await close();
  }, 120_000);
});

describe.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 375],
  ['dark', 375],
] as const)('every page, %s, %d pixels wide', (scheme, width) => {
  it('is accessible as far as axe knows, and not wider than the screen', async () => {
    const busy = await occupyWorker();
    const queued = await submit({ html, metadata: { note: 'x'.repeat(400) } });
    const { page, complaints, close } = await sitDown(browser, { scheme, width });
    await page.goto(`${address}/console/sign-in`);
    expect(await axeViolations(page)).toEqual([]);
    await signIn(page);
    const webhooks = ['', '?show=all', ...[sent.well, sent.failing, sent.gone].map((id) => `/${id}`)];
    const paths = ['', '?range=24h', '/jobs', '/jobs?status=failed', '/jobs?status=queued', ...webhooks.map((path) => `/webhooks${path}`)]; // prettier-ignore
    const accounts = ['/users', `/users/${userId}`, '/keys', '/tiers', '/tiers/starter', '/templates', '/settings', '/doctor', '/actions', '/audit', '/sessions']; // prettier-ignore
    for (const path of [
      ...paths,
      ...accounts,
      ...[completed, failed, `${failed}/sent`, queued, busy].map((id) => `/jobs/${id}`),
    ]) {
      await page.goto(`${address}/console${path}`);
      for (const summary of await page.$$('summary')) await summary.click();
      expect(await axeViolations(page), `at ${path}`).toEqual([]);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
        `at ${path}`,
      ).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
    const hosts = new Set<string>();
    page.on('request', (sent) => hosts.add(new URL(sent.url()).origin));
    await page.goto(`${address}/docs`);
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await page.$$eval('section[id^="post-"]', (sections) => sections.length)).toBeGreaterThan(3);
    expect([...hosts]).toEqual([address]);
    expect(complaints).toEqual([]);
    await page.goto(`${address}/console/jobs/nothing`);
    expect(await axeViolations(page)).toEqual([]);
    await cancel(queued);
    await close();
  }, 180_000);
});

describe('with ten thousand queued jobs', () => {
  it('every page is there at once', async () => {
    await occupyWorker();
    await sql`
      insert into pdfprompt_job (id, user_id, priority, tier, rank, request, html, created_at)
      select uuidv7(n * interval '-1 second'), (select id from pdfprompt_user where email = 'ann@example.com'), n % 4,
        case when n % 2 = 0 then 'starter' else 'enterprise' end, 2000000000, '{}', 'x', now() - n * interval '1 second'
      from generate_series(1, 10000) n`;
    const { page, complaints, close } = await sitDown(browser);
    await signIn(page);
    for (const path of ['', '/jobs', '/jobs?status=queued']) {
      const times: number[] = [];
      for (let tries = 0; tries < 5; tries++) {
        const startedAt = performance.now();
        await page.goto(`${address}/console${path}`, { waitUntil: 'domcontentloaded' });
        times.push(performance.now() - startedAt);
      }
      expect(Math.min(...times), `at ${path}`).toBeLessThan(1_000);
    }
    await page.goto(`${address}/console`);
    expect(await textOf(page, '#tile-queued')).toBe('10,000');
    expect(complaints).toEqual([]);
    await close();
  }, 180_000);
});
