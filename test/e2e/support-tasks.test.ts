import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { openBrowser, sitDown } from '../support/browser.ts';
import { signIn } from '../support/console.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

/** Of the pointer, for a task. Typing, and Enter, are none. */
const MAX_CLICKS = 5;
const LOGO = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'); // prettier-ignore

/** The customers' own server: has the logo of their documents, and takes webhooks. */
const theirs = { hasLogo: false, takesWebhooks: false, taken: [] as string[] };
const server = createServer((incoming, response) => {
  incoming.resume().on('end', () => {
    if (incoming.url === '/logo.png')
      return theirs.hasLogo ? response.setHeader('content-type', 'image/png').end(LOGO) : response.writeHead(503).end();
    if (!theirs.takesWebhooks) return response.writeHead(500).end('The shop is being moved.');
    theirs.taken.push(incoming.url ?? '');
    return response.end();
  });
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const service = await startService({ worker: true, deliverer: { ladder: [0.1] }, env: { EGRESS_ALLOW: authority } });
const { address, base, request, sql } = service;
const browser = await openBrowser();

type Customer = 'books' | 'dental' | 'lamps' | 'tours';
const EMAILS: Record<Customer, string> = {
  books: 'billing@alpine-books.example',
  dental: 'office@harbor-dental.example',
  lamps: 'print@northern-lamps.example',
  tours: 'hello@pilot-tours.example',
};
const keys = {} as Record<Customer, string>;

const send = (customer: Customer, body: object) =>
  request('/v1/jobs', { method: 'POST', key: keys[customer], body: JSON.stringify(body) });
async function submit(customer: Customer, body: object): Promise<string> {
  const response = await send(customer, body);
  expect(response.status).toBe(202);
  return ((await response.json()) as Job).id;
}
const read = async (customer: Customer, id: string, query = '') =>
  (await (await request(`/v1/jobs/${id}${query}`, { key: keys[customer] })).json()) as Job & { paused: boolean };
const ended = async (customer: Customer, id: string) => (await read(customer, id, '?wait=60')).status;
const invoice = (order: string) => ({
  html: `<h1>Invoice ${order}</h1><img src="http://${authority}/logo.png" onerror="console.error('The invoice has no logo')">`,
  filename: `invoice-${order}.pdf`,
  metadata: { order },
  failOnResourceError: true,
});

/** Made by the real worker. */
const jobs = { failed: '', printed: '', reported: '' };

beforeAll(async () => {
  // What is of today stays so until the end.
  const left = 86_400_000 - (Date.now() % 86_400_000);
  if (left < 90_000) await new Promise((done) => setTimeout(done, left + 1_000));
  await sql`insert into pdfprompt_tier values ('pilot', null, 3, 1), ('shop', null, null, 2)`;
  for (const [customer, email] of Object.entries(EMAILS) as [Customer, string][])
    keys[customer] = (await createKey(base.db, { email, tier: customer === 'tours' ? 'pilot' : 'shop' })).key;
  await sql`
    insert into pdfprompt_job (id, user_id, priority, tier, request, html, status, filename, metadata, templates, created_at, completed_at, error_code, error_message)
    select uuidv7(at - now()), u.id, 2, 'shop', '{}', '<p>x</p>', case when code is null then 'completed' else 'failed' end,
      'invoice-B-' || n || '.pdf', jsonb_build_object('order', 'B-' || n), array[case when n % 3 = 0 then 'letter@2' else 'invoice@1' end],
      at, at + interval '1 second', code, code
    from generate_series(1, 400) n
    cross join lateral (select case when n <= 30 then now() else date_trunc('day', now(), 'UTC') - n * interval '5 minutes' end as at,
      case when n % 4 = 0 then (array['selector_not_found', 'navigation_timeout', 'console_error'] || case when n > 30 then '{resource_failed}'::text[] else '{}' end)[1 + n / 4 % 4] end as code) of
    join pdfprompt_user u on u.email = (array[${EMAILS.books}, ${EMAILS.dental}, ${EMAILS.lamps}]::text[])[1 + n % 3]`;
  const failing = (['books', 'dental', 'lamps'] as const).flatMap((customer, n) =>
    [1_017, 1_018].map(async (order) => ({ customer, id: await submit(customer, invoice(`A-${order + n}`)) })),
  );
  const all = await Promise.all(failing);
  const ends = await Promise.all(all.map(({ customer, id }) => ended(customer, id)));
  if (ends.some((status) => status !== 'failed')) throw new Error(`jobs that were to fail: ${ends.join(', ')}`);
  jobs.failed = all[1]?.id ?? '';
  theirs.hasLogo = true;
  const webhook = { url: `http://${authority}/hooks/all` };
  await request('/v1/webhooks', { method: 'POST', key: keys.lamps, body: JSON.stringify(webhook) });
  jobs.reported = await submit('lamps', { ...invoice('A-2001'), webhook: `http://${authority}/hooks/one` });
  jobs.printed = await submit('books', invoice('A-2002'));
  const printed = [await ended('lamps', jobs.reported), await ended('books', jobs.printed)];
  if (printed.some((status) => status !== 'completed'))
    throw new Error(`jobs that were to be printed: ${printed.join(', ')}`);
  const givenUp = () => sql`select from pdfprompt_delivery where job_id = ${jobs.reported} and status = 'failed'`;
  await eventually(async () => (await givenUp()).length === 2, 30_000, 'both deliveries are given up');
}, 180_000);

/** One who works in the console, signed in, with the overview before them. */
async function desk(scopes: Scope[]) {
  const { key } = await createKey(base.db, { email: `${scopes.join('-').replaceAll(':', '-')}@pdf.example`, tier: 'system', scopes }); // prettier-ignore
  const { page, complaints, close } = await sitDown(browser);
  await page.goto(`${address}/console`);
  await page.type('#key', key);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  let clicks = 0;
  const click = async (selector: string) => {
    clicks++;
    await page.click(selector);
  };
  const type = async (selector: string, text: string) => {
    await page.$eval(selector, (input) => ((input as unknown as { value: string }).value = ''));
    await page.type(selector, text);
  };
  const go = (act: Promise<unknown>) => Promise.all([page.waitForNavigation(), act]);
  return {
    key,
    page,
    complaints,
    close,
    clicks: () => clicks,
    /** Types. */
    type,
    /** A click that leads to another page. */
    follow: (selector: string) => go(click(selector)),
    /** A click that does not. */
    press: click,
    /** Choosing is a click. */
    choose: async (selector: string, value: string) => {
      clicks++;
      await page.select(selector, value);
    },
    /** Types into the search field of every page, and Enter. */
    search: async (text: string) => {
      await type('#q', text);
      await go(page.keyboard.press('Enter'));
    },
    text: async (selector: string) =>
      page.$eval(selector, ({ textContent }) => (textContent ?? '').replaceAll(/\s+/g, ' ').trim()),
    until: (condition: string) => page.waitForFunction(condition, { timeout: 30_000 }),
  };
}
type Desk = Awaited<ReturnType<typeof desk>>;

const done: { task: string; scopes: string; clicks: number; ms: number }[] = [];
afterAll(() => {
  const row = (...[task = '', scopes = '', clicks = '', ms = '']: string[]) =>
    `${task.padEnd(62)} ${scopes.padEnd(32)} ${clicks.padStart(6)} ${ms.padStart(6)}\n`;
  const rows = done.map(({ task, scopes, clicks, ms }) => row(task, scopes, String(clicks), String(ms)));
  process.stdout.write(`\n${row('task', "key's scopes", 'clicks', 'ms')}${rows.join('')}`);
});

/** A task that is to be done in a few clicks. Signing in is none of it. */
async function task(scopes: Scope[], act: (desk: Desk) => Promise<void>): Promise<void> {
  const at = await desk(scopes);
  const startedAt = performance.now();
  await act(at);
  const ms = Math.round(performance.now() - startedAt);
  done.push({ task: expect.getState().currentTestName ?? '', scopes: scopes.join(', '), clicks: at.clicks(), ms });
  expect(at.clicks()).toBeLessThanOrEqual(MAX_CLICKS);
  expect(at.complaints).toEqual([]);
  await at.close();
}

const ofToday = () => new Date().toISOString().slice(0, 10);

it('find a failed invoice by its order number', () =>
  task(['console:read'], async ({ search, page, text, follow }) => {
    await search('A-1018');
    const rows = await page.$$eval('table.jobs tbody tr', (all) => all.map(({ textContent }) => textContent));
    // Two customers have an order of this number.
    expect(rows).toHaveLength(2);
    expect(rows.filter((row) => row.includes(EMAILS.books) && row.includes('failed'))).toHaveLength(1);
    await follow(`#job-${jobs.failed}`);
    expect(await text('h1')).toBe(`Job ${jobs.failed}`);
    expect(await text('#user')).toBe(EMAILS.books);
    expect(await text('.pairs')).toContain('metadata.order A-1018');
  }));

it('say why it failed', () =>
  task(['console:read', 'console:documents'], async ({ search, page, text, follow, until }) => {
    await search('A-1018');
    await follow(`#job-${jobs.failed}`);
    expect(await text('.why .message')).toContain('resource_failed');
    expect(await text('.why .message')).toContain(`http://${authority}/logo.png`);
    expect(await text('.why')).toContain('Fix or leave out the resources');
    expect(await text('.why')).toContain('The invoice has no logo');
    await page.$eval('img.picture', (picture) => picture.scrollIntoView());
    await until(`document.querySelector('img.picture').naturalWidth > 0`);
  }));

it('print it again, its cause mended', () =>
  task(['operator'], async ({ search, page, text, follow, until }) => {
    await search('A-1018');
    await follow(`#job-${jobs.failed}`);
    await follow('form[action$="/retry"] button');
    expect(await text('[role=status]')).toBe('This is the new job.');
    await until(`document.querySelector('.facts .pill')?.textContent.includes('completed')`);
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect(await read('books', id)).toMatchObject({ status: 'completed', retryOf: jobs.failed });
  }));

it("retry all of today's with the same error", () =>
  task(['operator'], async ({ search, page, text, follow, until }) => {
    await search('resource_failed');
    await follow('a[href*="error=resource_failed"][href*="after="]');
    expect(new URL(page.url()).searchParams.get('after')?.slice(0, 10)).toBe(ofToday());
    await follow('#bulk-retry');
    expect(await text('#counted')).toBe('6 jobs of 3 users.');
    await follow('main form button');
    await until(`document.querySelector('#progress').textContent.includes('completed')`);
    expect(await text('#progress')).toContain('6 of 6 jobs');
    expect(await text('.pairs tbody')).toMatch(/retried\s+5/); // one of them was before
    const open = () =>
      sql`select from pdfprompt_job where retry_of is not null and status not in ('completed', 'failed')`;
    await eventually(async () => (await open()).length === 0, 30_000, 'all retries have ended');
    expect(await sql`select from pdfprompt_job where retry_of is not null and status = 'completed'`).toHaveLength(6);
  }));

it('show what was sent', () =>
  task(['console:read', 'console:documents'], async ({ search, page, text, follow }) => {
    await search('A-1018');
    await follow(`#job-${jobs.failed}`);
    await follow('a[href$="/sent"]');
    expect(await text('.lines')).toContain('<h1>Invoice A-1018</h1>');
    await follow('a[href="/console/audit"]');
    const rows = await page.$$eval('tbody tr', (all) => all.map(({ textContent }) => textContent));
    const looks = rows.filter((row) => row.includes('looked at the source') && row.includes(jobs.failed));
    expect(looks).toHaveLength(1);
    expect(looks[0]).toContain(EMAILS.books);
  }));

it('be shown no document without the scope for it', () =>
  task(['console:read'], async ({ key, search, page, text, follow }) => {
    await search('A-1018');
    await follow(`#job-${jobs.failed}`);
    expect(await text('main')).toContain('to see that takes a key with the scope console:documents');
    expect(await page.$$('a[href$="/sent"], img.picture, iframe')).toEqual([]);
    const visitor = await signIn(address, key);
    for (const path of ['/sent', '/sent/0/text', '/picture'])
      expect([path, (await visitor.get(`/console/jobs/${jobs.failed}${path}`)).status]).toEqual([path, 403]);
  }));

it('pause a customer who overloads us, and resume', () =>
  task(['operator'], async ({ type, page, text, follow }) => {
    await follow('a[href="/console/actions"]');
    await type('#pause-user', EMAILS.lamps);
    await type('#pause-reason', 'their pages never end');
    await follow('form[action="/console/pauses"] button');
    expect(await text('[role=status]')).toBe('It is paused.');
    const id = await submit('lamps', { html: '<p>Lamps</p>' });
    // Of another customer, accepted later: all that could have begun before has.
    expect(await ended('books', await submit('books', { html: '<p>Books</p>' }))).toBe('completed');
    expect(await read('lamps', id)).toMatchObject({ status: 'queued', paused: true });
    await follow(`button[aria-label="Resume ${EMAILS.lamps}"]`);
    expect(await text('main')).toContain('Nothing is paused.');
    expect(await page.$$('[role=alert]')).toEqual([]);
    expect(await ended('lamps', id)).toBe('completed');
  }));

it('send failed webhooks of a job again', () =>
  task(['operator'], async ({ search, text, follow, until }) => {
    await search('order:A-2001');
    await follow(`#job-${jobs.reported}`);
    expect(await text('.deliveries')).toContain('Given up');
    theirs.takesWebhooks = true;
    for (const left of [1, 0]) {
      await follow('button[id^="replay-"]');
      expect(await text('[role=status]')).toBe('It will be sent again.');
      await until(`document.querySelectorAll('button[id^="replay-"]').length === ${left}`);
    }
    await until(
      `[...document.querySelectorAll('.deliveries > li')].every((each) => /Delivered/.test(each.textContent))`,
    );
    expect(theirs.taken.toSorted()).toEqual(['/hooks/all', '/hooks/one']);
  }));

it('delete a PDF that was sent to the wrong person', () =>
  task(['operator'], async ({ search, text, follow, press }) => {
    const pdf = () => request(`/v1/jobs/${jobs.printed}/pdf`, { key: keys.books });
    expect((await pdf()).status).toBe(200);
    await search('invoice-A-2002');
    await follow(`#job-${jobs.printed}`);
    await press('#delete-pdf summary');
    await follow('#delete-pdf button');
    expect(await text('[role=status]')).toBe('Its files were deleted.');
    expect((await pdf()).status).toBe(410);
  }));

it("raise a customer's limit", () =>
  task(['admin'], async ({ search, type, text, follow }) => {
    const quick = { html: '<p>Tour</p>' };
    for (let sent = 0; sent < 3; sent++) await submit('tours', quick);
    expect((await send('tours', quick)).status).toBe(429);
    await search(EMAILS.tours);
    await follow('#whose');
    expect(await text('table[aria-labelledby="limits"]')).toMatch(/UTC day 3 3\b.* as the tier says/);
    await type('#requestsPerDay', '500');
    await follow('form[action$="/limits"] button');
    expect(await text('[role=status]')).toBe('The limits were changed.');
    expect(await text('table[aria-labelledby="limits"]')).toMatch(/UTC day 500 3\b.* their own; the tier’s is 3/);
    expect((await send('tours', quick)).status).toBe(202);
  }));

it("find a customer's failed jobs of a template since yesterday", () =>
  task(['console:read'], async (at) => {
    const { type, page, text, follow, press } = at;
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await follow('a[href="/console/jobs"]');
    await press('.filter summary');
    await type('input[name=email]', 'office@har');
    await type('input[name=template]', 'invoice');
    const [year, month, day] = yesterday.split('-');
    await page.focus('input[name=after]');
    await page.keyboard.type(`${month}${day}${year}`);
    await follow('.filter button');
    await follow('a[href*="status=failed"]');
    const expected = await sql<{ id: string }[]>`
    select j.id from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id
    where u.email = ${EMAILS.dental} and status = 'failed' and templates && '{invoice@1}' and j.created_at >= ${yesterday}::timestamptz
    order by j.id desc`;
    expect(expected.length).toBeGreaterThan(10);
    const listed = await page.$$eval('a[id^="job-"]', (links) => links.map(({ id }) => id.slice('job-'.length)));
    expect(listed).toEqual(expected.map(({ id }) => id));
    for (const chip of ['Email begins: office@har', 'Template: invoice', `Accepted since: ${yesterday} UTC`])
      expect(await text('.chips')).toContain(chip);
  }));

it('erase a customer', () =>
  task(['admin'], async ({ search, type, text, follow }) => {
    await search(EMAILS.books);
    await follow('#whose');
    await type('#erase', EMAILS.books);
    await follow('form[action$="/erase"] button');
    expect(await text('[role=status]')).toBe('The user and everything of theirs was erased.');
    expect((await request('/v1/jobs', { key: keys.books })).status).toBe(401);
    expect(await sql`select from pdfprompt_user where email = ${EMAILS.books}`).toHaveLength(0);
    expect(await sql`select from pdfprompt_job where id in ${sql([jobs.failed, jobs.printed])}`).toHaveLength(0);
  }));
