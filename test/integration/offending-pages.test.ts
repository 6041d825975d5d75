/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrintOutcome } from '../../src/domain/outcome.ts';
import { readProcessFile } from '../../src/kernel/processes.ts';
import { privateBytes, processTree, processType } from '../../src/memory/processes.ts';
import { startGate } from '../support/gate.ts';
import { eventually, isAlive } from '../support/processes.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';

const gate = await startGate();
const { renderer } = await createRenderer({ BROWSER_MAX_PAGES_PER_BROWSER: '4', BROWSER_POOL_SIZE: '1', ...gate.env });
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const browsers = () =>
  processTree(process.pid).filter(
    (pid) =>
      isAlive(pid) &&
      processType(pid) === undefined &&
      readProcessFile(pid, 'cmdline')?.includes('--remote-debugging-pipe'),
  );
const renderersOf = (pid: number) => processTree(pid).filter((child) => processType(child) === 'renderer');
const signal = (pids: number[], name: NodeJS.Signals) => {
  for (const pid of pids) process.kill(pid, name);
};
const named = (outcome: PrintOutcome) => ('code' in outcome ? outcome.code : outcome.kind);
const script = (code: string) => ({ html: `<!doctype html><body><p>x</p><script>${code}</script>` });
const TENANTS = ['ann', 'bob', 'cid'];
/** Several, each of another tenant, that are under way for as long as the gate is shut. */
const neighbours = async () => {
  gate.shut();
  const outcomes = TENANTS.map((tenant) => renderBody(renderer, { html: gate.html, timeoutMs: 60_000 }, tenant));
  await eventually(() => gate.waiting === TENANTS.length, 60_000, 'the neighbours are under way');
  return async () => {
    gate.open();
    expect((await Promise.all(outcomes)).map(named)).toEqual(TENANTS.map(() => 'done'));
  };
};

describe('a document that crashes its renderer', () => {
  const nested = (open: string, depth: number) => ({ html: `${open.repeat(depth)}x` });
  const deep = (tag: string) =>
    script(
      `let at = document.body; for (let i = 0; i < 300000; i++) at = at.appendChild(document.createElement('${tag}'))`,
    );
  it.each([
    ['tables in tables', nested('<table><tr><td>', 2_000)],
    ['rules in rules', nested('<style>', 1), nested('a{', 50_000)],
    ['spans in spans', deep('span')],
    ['boxes in boxes', deep('b')],
  ])(
    'by %s is at fault, once, and its neighbours are done',
    async (_, first, second = { html: '' }) => {
      const end = await neighbours();
      const outcome = await renderBody(renderer, { html: first.html + second.html, timeoutMs: 60_000 }, 'mallory');
      expect(outcome).toMatchObject({ kind: 'reject', code: 'document_crashed' });
      await end();
      await pdfOf(renderer, { html: 'next' }, 'mallory');
    },
    120_000,
  );

  it.each([
    ['workers', script('for (let i = 0; i < 500; i++) new Worker(URL.createObjectURL(new Blob(["0"])))')],
    [
      'frames',
      script(
        'for (let i = 0; i < 500; i++) document.body.append(Object.assign(document.createElement("iframe"), { srcdoc: "x" }))',
      ),
    ],
  ])(
    'or that starts hundreds of %s fails by name, and its neighbours are done',
    async (_, body) => {
      const end = await neighbours();
      expect(named(await renderBody(renderer, { ...body, timeoutMs: 60_000 }, 'mallory'))).toBe('too_many_resources');
      await end();
    },
    120_000,
  );
});

describe('what is done to a browser from outside', () => {
  it('costs no document: its renderers are killed', async () => {
    const end = await neighbours();
    for (const browser of browsers()) signal(renderersOf(browser), 'SIGKILL');
    await end();
  }, 120_000);

  it('costs no document: it is killed', async () => {
    const end = await neighbours();
    signal(browsers(), 'SIGKILL');
    await end();
  }, 120_000);

  it('costs no document, however short its time: it is stopped while documents are under way', async () => {
    await pdfOf(renderer, { html: 'warm' });
    const short = renderBody(renderer, { html: 'short', waitForTimeout: 1_000, timeoutMs: 3_000 }, 'ann');
    const long = renderBody(renderer, { html: 'long', waitForTimeout: 1_000, timeoutMs: 60_000 }, 'bob');
    await eventually(() => renderer.state.busy === 2, 60_000, 'both are under way');
    const stopped = browsers();
    signal(stopped, 'SIGSTOP');
    const late = renderBody(renderer, { html: 'late', timeoutMs: 3_000 }, 'cid'); // its page is not open yet
    await eventually(() => !stopped.some(isAlive), 15_000, 'it is found and ended');
    expect((await Promise.all([short, long, late])).map(named)).toEqual(['done', 'done', 'done']);
  }, 120_000);

  it('is found while nothing is rendered', async () => {
    await pdfOf(renderer, { html: 'x' });
    const stopped = browsers();
    signal(stopped, 'SIGSTOP');
    await eventually(() => !stopped.some(isAlive), 15_000, 'it is found and ended');
    await pdfOf(renderer, { html: 'x' });
  }, 120_000);
});

describe('a document that takes its browser with it', () => {
  it('is found by rendering each alone: it fails by name, its neighbours are done', async () => {
    // Simulates it: a browser whose document holds 200 MB is aborted from here.
    const offending = { ...script('window.kept = new Uint8Array(200 << 20).fill(1)'), waitForTimeout: 20_000 };
    const end = await neighbours();
    let isOver = false;
    const aborting = (async () => {
      for (; !isOver; await sleep(100))
        for (const browser of browsers())
          if (renderersOf(browser).some((pid) => privateBytes(pid) > 150 << 20)) signal([browser], 'SIGABRT');
    })();
    const outcome = await renderBody(renderer, { ...offending, timeoutMs: 60_000 }, 'mallory');
    isOver = true;
    await aborting;
    expect(outcome).toMatchObject({ kind: 'reject', code: 'document_crashed' });
    await end();
  }, 120_000);
});
