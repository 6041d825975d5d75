import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { runParts } from '../../src/jobs/run.ts';
import { undoLater } from '../support/clean-up.ts';
import { filesOf, startFinisher } from '../support/finisher.ts';
import { readPdf } from '../support/pdf.ts';
import { commandOf, descendants, eventually } from '../support/processes.ts';
import { createRenderer } from '../support/renderer.ts';
import { startService } from '../support/service.ts';
import { type Doings, settingsWith, STEPS, userAgentOf } from '../support/steps.ts';

/** One page, one document at a time. */
const env = { PDFPROMPT_WORKER_CONCURRENCY: '1', BROWSER_POOL_SIZE: '1', BROWSER_MAX_PAGES_PER_BROWSER: '1' };
const { request, sql, lines } = await startService({ worker: true, env, steps: STEPS });

async function submit(html: string, doings: Doings = {}): Promise<string> {
  const body = JSON.stringify({ html, userAgent: userAgentOf(doings) });
  return ((await (await request('/v1/jobs', { method: 'POST', body })).json()) as Job).id;
}

const ended = async (id: string) => (await (await request(`/v1/jobs/${id}?wait=30`)).json()) as Job;
const steps = () => descendants(process.pid).filter((pid) => commandOf(pid).includes('finishing/child'));

it('a job has the PDF that its steps made, and says how long they took', async () => {
  const id = await submit('<h1>Printed</h1>', {
    first: { does: 'mark', mark: '% first' },
    third: { does: 'wait', ms: 50 },
  });
  const { status, file, timings } = await ended(id);
  expect({ status, pages: file?.pages }).toEqual({ status: 'completed', pages: 1 });
  expect(timings?.finishing).toBeGreaterThanOrEqual(50);
  const bytes = Buffer.from(await (await request(`/v1/jobs/${id}/pdf`)).arrayBuffer());
  expect(bytes.subarray(-7).toString()).toBe('% first');
  expect(file).toMatchObject({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  expect((await readPdf(new Uint8Array(bytes))).text).toEqual(['Printed']);
  expect(lines.filter((line) => line.includes('"step.ended"')).map((line) => (JSON.parse(line) as { step: string }).step)).toEqual(['first', 'third']); // prettier-ignore

  const without = await ended(await submit('<h1>Printed</h1>'));
  expect(without.timings).not.toHaveProperty('finishing');
});

it('the page and the slot of a job are free for another document, even while a step never returns', async () => {
  const stuck = await submit('<p>first</p>', { second: { does: 'loop' } });
  await eventually(() => steps().length > 0, 20_000, 'there is a process');
  for (const html of ['<p>second</p>', '<p>third</p>'])
    expect((await ended(await submit(html))).status).toBe('completed');
  expect(((await (await request(`/v1/jobs/${stuck}`)).json()) as Job).status).toBe('processing');
  await request(`/v1/jobs/${stuck}`, { method: 'DELETE' });
  await eventually(() => steps().length === 0, 5_000, 'the process has ended');
  expect((await ended(stuck)).status).toBe('cancelled');
});

it('a job fails with the reason of the step, or is tried again if the step itself failed', async () => {
  expect((await ended(await submit('<p>x</p>', { first: { does: 'refuse' } }))).error).toEqual({
    code: 'page_ranges_invalid',
    message: 'the document has no page 7',
  });
  const id = await submit('<p>x</p>', { first: { does: 'throw' } });
  const attempt = async () => (await sql`select outcome, reason from pdfprompt_job_attempt where job_id = ${id}`)[0];
  await eventually(async () => (await attempt())?.['outcome'] === 'retry', 20_000, 'the attempt has ended');
  expect(await attempt()).toMatchObject({ reason: 'finishing_failed: the step first failed' });
  expect(((await (await request(`/v1/jobs/${id}`)).json()) as Job).status).toBe('queued');
  expect(lines.find((line) => line.includes('"job.requeued"'))).toContain('not what I expected');
});

const partOf = (html: string, more: object = {}) => {
  const parsed = parsePdfRequest({ html, ...more });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  return onlyPart(parsed.request);
};

it('parts are printed in order and become one file each, unless a step makes one of them, within one time limit', async () => {
  const { renderer } = await createRenderer();
  await renderer.start();
  undoLater(() => renderer.stop());
  const finisher = await startFinisher({ caps: { maxBytes: 1e8, maxPages: 100, memoryBytes: 5e8 } });
  const parts = ['<p>one</p>', '<p>two</p><p style="break-before: page">three</p>'].map((html) => partOf(html));
  const run = (doings: Doings) =>
    runParts({ renderer, finisher }, { parts, settings: settingsWith(partOf('x'), doings) }, { tenant: 'ann' });

  const apart = await run({});
  if (apart.kind !== 'done') throw new Error(JSON.stringify(apart));
  expect(apart.files.map(({ pages }) => pages)).toEqual([1, 2]);
  const texts = await Promise.all(apart.files.map(async ({ chunks }) => (await readPdf(new Uint8Array(Buffer.concat(chunks)))).text)); // prettier-ignore
  expect(texts.flat()).toEqual(['one', 'two', 'three']);

  const merged = await run({ first: { does: 'merge' } });
  expect(merged).toMatchObject({ kind: 'done', files: [{ pages: 3 }], timings: { finishing: expect.any(Number) } });
  expect(filesOf(merged)).toHaveLength(1);

  const slow = [partOf('<p>slow</p>', { waitForTimeout: 1_500, timeoutMs: 60_000 }), partOf('<p>late</p>')];
  const settings = { ...partOf('x', { timeoutMs: 2_000 }) };
  const tooLong = await runParts({ renderer, finisher }, { parts: [...slow, ...slow], settings }, { tenant: 'ann' });
  expect(tooLong).toMatchObject({ kind: 'reject', code: 'render_timeout' });
  const late = { parts: slow.slice(0, 1), settings: settingsWith(settings, { first: { does: 'hang' } }) };
  const stopped = await runParts({ renderer, finisher }, late, { tenant: 'ann' });
  expect(stopped).toMatchObject({
    kind: 'reject',
    code: 'render_timeout',
    message: expect.stringContaining('the step first did not end'),
  });
});

it('all parts of a job together may wait only so long, and their printing is no wait', async () => {
  const { renderer } = await createRenderer(env);
  await renderer.start();
  undoLater(() => renderer.stop());
  const finisher = await startFinisher();
  const waits: (number | undefined)[] = [];
  const render: typeof renderer.render = async (part, context) => {
    waits.push(context.waitMs);
    await sleep(1_000); // until there is a page
    return renderer.render(part, context);
  };
  const parts = [partOf('one', { waitForTimeout: 3_000 }), partOf('two')];
  const settings = partOf('x', { timeoutMs: 60_000 });
  const context = { tenant: 'ann', waitMs: 60_000 };
  const outcome = await runParts({ renderer: { render }, finisher }, { parts, settings }, context);
  expect(outcome).toMatchObject({ kind: 'done' });
  const [first, second] = waits;
  expect(first).toBeGreaterThan(59_000);
  expect(second).toBeLessThanOrEqual(59_000);
  expect(second).toBeGreaterThan(56_000); // the 3 s of printing do not count
});
