import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { filesWith, tablesWith } from '../support/everywhere.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { startGate } from '../support/gate.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

const gate = await startGate();
const nobody = `http://127.0.0.1:${await freePort()}`;
const { origin: site, env } = await startSite((request, response) => {
  const { pathname, search } = new URL(request.url ?? '', 'http://site');
  if (pathname === '/never') return;
  if (pathname === '/cut') return void response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy());
  const location: Record<string, string> = { '/to-404': `/404${search}`, '/to-nobody': `${nobody}/x${search}` };
  if (pathname in location) return void response.writeHead(302, { location: location[pathname] }).end();
  response.writeHead(pathname === '/404' ? 404 : 200, { 'content-type': 'text/html' }).end('<p>x</p>');
}); // prettier-ignore
const directory = await temporaryDirectory('canaries');
const allowed = [gate.env.EGRESS_ALLOW, env.EGRESS_ALLOW, new URL(nobody).host].join(',');
const settings = { PDF_STORE: `file://${directory}`, EGRESS_ALLOW: allowed, PDFPROMPT_WORKER_CONCURRENCY: '4' };
const service = await startService({ worker: true, env: settings });
/** Where jobs wait until they are told what becomes of them. */
const quiet = await startService({ env: { PDF_STORE: `file://${directory}` } });
const retentionMs = 3_600_000;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000a';

/** One for each job; the log of every test is searched for such. */
const canaries: string[] = [];
const newCanary = () => {
  const canary = `canary-${Math.floor(Math.random() * 1e12)}`;
  canaries.push(canary);
  return canary;
};

/** With a secret wherever one can be. */
const everywhere = (canary: string) => ({
  cookies: [{ name: 'a', value: canary, url: `${site}/?${canary}` }],
  setExtraHTTPHeaders: { Authorization: `Bearer ${canary}`, 'X-More': canary },
  userAgent: `Browser/1 ${canary}`,
  options: {
    displayHeaderFooter: true,
    headerTemplate: `<span class="title"></span>${canary}`,
    footerTemplate: `<span>${canary}</span>`,
  },
});
/** More of that, for documents that end by themselves. */
const ofThePage = (canary: string) => ({
  addStyleTag: [{ content: `.${canary} { color: red }` }],
  addScriptTag: [{ content: `'${canary}'` }],
  waitForFunction: { fn: `'${canary}'` },
  rejectRequestPattern: [`*/${canary}/*`],
});
const html = (canary: string, more = '') => ({
  html: `<title>${canary}</title><p id="${canary}">${canary}</p>${more}`,
});
const at = (base: string, canary: string) => ({ url: `${base}?token=${canary}&x=1#${canary}` });
const image = (base: string, canary: string) => `<img src="${base}?token=${canary}#${canary}">`;

type Body = Record<string, unknown>;
const ENDINGS: [what: string, body: (canary: string) => Body, ending: string][] = [
  ['a PDF', (c) => html(c), 'completed'],
  ['a PDF of a URL', (c) => at(`${site}/ok`, c), 'completed'],
  ['a PDF with more in its page', (c) => ({ ...html(c), ...ofThePage(c) }), 'completed'],
  ['a name and a password', (c) => ({ ...at(`${site}/ok`, c), ...ofThePage(c), authenticate: { username: c, password: c } }), 'completed'],
  ['the same, missing', (c) => ({ ...at(`${site}/404`, c), ...ofThePage(c), authenticate: { username: c, password: c } }), 'document_status'],
  ['a function that is never true', (c) => ({ ...html(c), waitForFunction: { fn: `'${c}' === 0`, timeout: 100 } }), 'function_not_true'],
  ['nothing to wait for any longer', (c) => ({ ...html(c), ...ofThePage(c), waitForFunction: { fn: `'${c}' === 0`, timeout: 100 }, bestAttempt: true }), 'completed'],
  ['a selector that is there', (c) => ({ ...html(c), waitForSelector: { selector: `#${c}` } }), 'completed'],
  ['resources that are missing', (c) => html(c, image(`${site}/404`, c) + image(`${nobody}/x`, c)), 'completed'],
  ['a resource that has to be there', (c) => ({ ...html(c, image(`${site}/404`, c)), failOnResourceError: true }), 'resource_failed'],
  ['one that is forbidden', (c) => ({ ...html(c, image('http://10.0.0.1/x', c)), failOnResourceError: true }), 'resource_failed'],
  ['no such selector', (c) => ({ ...html(c), waitForSelector: { selector: `#x${c}`, timeout: 100 } }), 'selector_not_found'],
  ['no selector at all', (c) => ({ ...html(c), waitForSelector: { selector: `##${c}` } }), 'selector_not_found'],
  ['pages that are not there', (c) => ({ ...html(c), options: { ...everywhere(c).options, pageRanges: '9' } }), 'page_ranges_invalid'],
  ['a script without an end', (c) => ({ ...html(c, `<script>for (;;) '${c}';</script>`), timeoutMs: 1_000 }), 'render_timeout'],
  ['a resource that never comes', (c) => ({ ...html(c, image(`${site}/never`, c)), timeoutMs: 1_000 }), 'render_timeout'],
  ['a page that never comes', (c) => ({ ...at(`${site}/never`, c), gotoOptions: { timeout: 500 } }), 'render_timeout'],
  ['a page that is missing', (c) => at(`${site}/404`, c), 'document_status'],
  ['a way to one that is missing', (c) => at(`${site}/to-404`, c), 'document_status'],
  ['a page that breaks off', (c) => at(`${site}/cut`, c), 'navigation_failed'],
  ['a host that is none', (c) => at('http://nowhere.invalid/x', c), 'navigation_failed'],
  ['a host that refuses', (c) => at(`${nobody}/x`, c), 'navigation_failed'],
  ['a host that is forbidden', (c) => at('http://10.0.0.1/x', c), 'egress_denied'],
  ['a way to one that refuses', (c) => at(`${site}/to-nobody`, c), 'navigation_failed'],
]; // prettier-ignore

async function submit(which: TestService, canary: string, body: Body): Promise<string> {
  const request = JSON.stringify({ ...everywhere(canary), ...body, filename: 'x.pdf', metadata: { of: 'x' } });
  const headers = { 'Idempotency-Key': `secret-${canaries.indexOf(canary)}` };
  const response = await which.request('/v1/jobs', { method: 'POST', headers, body: request });
  const answer = await response.text();
  expect([response.status, answer]).toEqual([202, expect.not.stringContaining('canary')]);
  return (JSON.parse(answer) as Job).id;
}

const submitted: [TestService, string][] = [];
async function ask(canary: string, body: Body, which = service): Promise<string> {
  const id = await submit(which, canary, body);
  submitted.push([which, id]);
  return id;
}
const jobOf = async (id: string, which = service) => (await which.request(`/v1/jobs/${id}?wait=60`)).text();
const endOf = (text: string) => {
  const { status, error } = JSON.parse(text) as Job;
  return error?.code ?? status;
};

/** Whatever is kept of a job besides its request, which somebody may ask for again. */
const told = async ({ sql }: TestService) =>
  sql`select j.id from pdfprompt_job j where (to_jsonb(j) - '{html,url,request}'::text[])::text like '%canary-%'`;
const whole = async ({ sql }: TestService) =>
  (
    await sql<{ status: string }[]>`select distinct status from pdfprompt_job j where to_jsonb(j)::text like '%canary-%'
      or exists (select from pdfprompt_part p where p.job_id = j.id and to_jsonb(p)::text like '%canary-%')`
  )
    .map(({ status }) => status)
    .toSorted();
const profiles = () =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith(`pdfprompt-chromium-${process.pid}-`))
    .map((name) => join(tmpdir(), name));

describe('what was in a request to let somebody in', async () => {
  const asked = await Promise.all(
    ENDINGS.map(async ([what, body, ending]) => {
      const canary = newCanary();
      return { what, ending, canary, id: await ask(canary, body(canary)) };
    }),
  );

  it.each(asked)('is told by nobody when it ends with $what', async ({ ending, canary, id }) => {
    const answer = await jobOf(id);
    expect(endOf(answer)).toBe(ending);
    expect(answer).not.toContain(canary);
  });

  it('nor when it is cancelled, waiting or under way', async () => {
    gate.shut();
    const running: string[] = [];
    for (let count = 0; count < 5; count++) {
      const canary = newCanary();
      running.push(await ask(canary, html(canary, `<img src="${gate.url}?${canary}">`)));
    }
    await eventually(() => gate.waiting === 4, 60_000, 'four are under way, one waits');
    for (const id of running) expect((await service.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(200);
    for (const id of running) expect(endOf(await jobOf(id))).toBe('cancelled');
    gate.open();
  });

  it('nor when it is asked for again', async () => {
    const canary = newCanary();
    const id = await ask(canary, at(`${site}/404`, canary));
    await jobOf(id);
    const again = await service.request(`/v1/jobs/${id}/retry`, { method: 'POST' });
    const retried = (await again.json()) as Job;
    submitted.push([service, retried.id]);
    expect(endOf(await jobOf(retried.id))).toBe('document_status');
  });

  it('nor when the browser or the worker was at fault', async () => {
    const { base, sql } = quiet;
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const claim = async () => {
      await sql`update pgboss.job set start_after = now() where state < 'active'`; // it would pause before
      return (await claimJobs(base, { workerId, count: 1 }))[0] as ClaimedJob;
    };
    const canary = newCanary();
    const failed = await ask(canary, at(`${site}/ok`, canary), quiet);
    const cause = new Error(`net::ERR_ABORTED at ${site}/ok?token=${canary}#${canary}`);
    for (let tries = 0; tries < 3; tries++) {
      const outcome = { kind: 'retry', code: 'browser_failed', message: 'the browser failed', cause } as const;
      const job = await claim();
      await finishJob({ ...base, retentionMs }, job, outcome);
      const { id: jobId, userId, tier, requestId, run, attempt, waitedMs } = job;
      const about = { jobId, userId, tier, requestId, traceId: undefined, run, attempt, waitedMs };
      base.events.jobRequeued(about, 'retry', cause);
    }
    expect(endOf(await jobOf(failed, quiet))).toBe('browser_failed');
    const poison = await ask(newCanary(), html(canary), quiet);
    for (let losses = 0; losses < 3; losses++) {
      await claim();
      await base.db.transaction((tx) => requeueLostJobs(tx, base.queue, workerId));
    }
    expect(endOf(await jobOf(poison, quiet))).toBe('poison');
    const interrupted = await ask(newCanary(), html(canary), quiet);
    await finishJob({ ...base, retentionMs }, await claim(), { kind: 'interrupted' });
    await finishJob({ ...base, retentionMs }, await claim(), doneWith(new TextEncoder().encode('%PDF-1.7')));
    expect(endOf(await jobOf(interrupted, quiet))).toBe('completed');
  });

  it('is nowhere else meanwhile, and nowhere at all when the documents are no longer kept', async () => {
    expect(canaries.length).toBeGreaterThan(25);
    for (const which of [service, quiet]) {
      expect(await told(which)).toEqual([]);
      expect(await whole(which)).toEqual(which === service ? ['cancelled', 'failed'] : ['failed']);
      expect((await tablesWith(which.sql, canaries)).map((found) => found.replace(/:.*/, ''))).toEqual([
        'public.pdfprompt_job',
        'public.pdfprompt_part',
      ]);
      expect(which.lines.filter((line) => line.includes('canary-'))).toEqual([]);
      expect(which.lines.filter((line) => line.includes('"job ended"')).length).toBeGreaterThan(
        which === service ? ENDINGS.length : -1,
      );
    }
    expect(profiles().length).toBeGreaterThan(0);
    const besidePdfs = (paths: string[]) => paths.filter((path) => !path.endsWith('.pdf')); // have the title that was asked for
    expect(besidePdfs(filesWith([directory, ...profiles()], canaries))).toEqual([]);

    for (const which of [service, quiet]) {
      await which.sql`update pdfprompt_job set completed_at = now() - interval '61 minutes'`;
      await which.sql`update pdfprompt_file set expires_at = now()`;
      await expire({ ...which.base, retentionMs });
      expect(await tablesWith(which.sql, canaries)).toEqual([]);
    }
    expect(filesWith([directory, ...profiles()], canaries)).toEqual([]);
    for (const [which, id] of submitted)
      expect((await which.sql`select filename, metadata from pdfprompt_job where id = ${id}`)[0]).toEqual({
        filename: 'x.pdf',
        metadata: { of: 'x' },
      });
    process.stdout.write(`${canaries.length} secrets, none left\n`);
  });
});
