/** @module-tag user */

import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { ServedOrigin } from '../../src/egress/served-origin.ts';
import { readProcessFile } from '../../src/kernel/processes.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import type { Chromium } from '../../src/render/chromium.ts';
import { WarmPage } from '../../src/render/warm-page.ts';
import { buildLauncher } from '../../src/runtime/renderer.ts';
import { processTree, processType } from '../../src/memory/processes.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { eventually, isAlive } from '../support/processes.ts';
import { testConfig } from '../support/service.ts';

const binary = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
const log = createLogger({ level: 'silent', process: 'test', human: false, write: () => undefined });

async function launch(jail: string): Promise<Chromium> {
  const events = new Events(log);
  const launcher = buildLauncher(testConfig({ RENDER_JAIL: jail }), binary, events);
  const chromium = await launcher.launch();
  afterAll(() => chromium.close());
  expect(launcher.confinement).toEqual({ jail, sandbox: true });
  expect((await events.metrics.text()).body).toMatch(new RegExp(`^pdfprompt_jail{kind="${jail}"} 1$`, 'm'));
  expect((await events.metrics.text()).body).toMatch(/^pdfprompt_chromium_sandbox 1$/m);
  return chromium;
}

/** Of those that are still there: a renderer or a helper of Chromium's may end at any moment. */
const statusOf = (pids: number[]) =>
  pids.flatMap((pid) => {
    const status = readProcessFile(pid, 'status');
    return status === undefined
      ? []
      : [Object.fromEntries(status.split('\n').map((line) => line.split(/:\s*/) as [string, string]))];
  });
const networkOf = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`);
const interfacesOf = (pid: number) =>
  (readProcessFile(pid, 'net/dev') ?? '').split('\n').flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []);

describe.each(['namespace', 'proxy'])('RENDER_JAIL=%s', (jail) => {
  it('gives Chromium an unprivileged user, an empty environment, and renderers under seccomp without rights', async () => {
    const chromium = await launch(jail);
    const page = await WarmPage.open(chromium);
    const all = processTree(chromium.pid);
    const renderers = all.filter((pid) => processType(pid) === 'renderer');
    const confined = statusOf(renderers);
    expect(confined.length).toBeGreaterThan(0); // the page's own, at least
    for (const status of confined)
      expect(status).toMatchObject({ Seccomp: '2', NoNewPrivs: '1', CapEff: '0000000000000000' });
    for (const status of statusOf(all)) expect(status['Uid']?.split('\t')).not.toContain('0');
    const [browser] = statusOf([chromium.pid]);
    expect(browser).toMatchObject({ CapEff: '0000000000000000', CapPrm: '0000000000000000' });
    const names = (readProcessFile(chromium.pid, 'environ') ?? '')
      .split('\0')
      .flatMap((entry) => entry.split('=')[0] || []);
    expect(names).toContain('HOME');
    expect(
      names.filter(
        (name) => !['PATH', 'HOME', 'LANG', 'PWD', 'FONTCONFIG_PATH', 'LD_LIBRARY_PATH', 'TMPDIR'].includes(name),
      ),
    ).toEqual([]);
    // Nothing of ours is open in it: its standard files, its two pipes, and what it opened itself.
    const open = readdirSync(`/proc/${chromium.pid}/fd`).map((fd) => readlinkSync(`/proc/${chromium.pid}/fd/${fd}`));
    expect(open.filter((target) => target.includes('/node'))).toEqual([]);
    await page.close();
  });

  it('ends with its worker, and leaves nothing behind', async () => {
    const chromium = await launch(jail);
    const all = processTree(chromium.pid);
    await chromium.close();
    await eventually(() => all.every((pid) => !isAlive(pid)), 30_000, 'all its processes are gone');
    expect(existsSync(`/proc/${chromium.pid}`)).toBe(false);
  });
});

describe('the namespace', () => {
  it('has a loopback and nothing else, which is not ours', async () => {
    const chromium = await launch('namespace');
    expect(networkOf(chromium.pid)).not.toBe(networkOf('self'));
    expect(interfacesOf(chromium.pid)).toEqual(['lo']);
  });

  it('does not hide that Chromium itself cannot start', async () => {
    const missing = { ...binary, path: '/nowhere/headless-shell' };
    const launcher = buildLauncher(testConfig({ RENDER_JAIL: 'namespace' }), missing, new Events(log));
    await expect(launcher.launch()).rejects.toThrow(/did not start/);
  });
});

describe('a page at an origin of its own', () => {
  it('reports a request once, and with it the process that it is in', async () => {
    const chromium = await launch('namespace');
    const page = await WarmPage.open(chromium);
    const { tab, channel } = page;
    tab.pids.clear();
    let again = 0;
    tab.session.on('Network.requestWillBeSent', () => again++);
    const file = { type: 'text/html', size: 1, content: Buffer.from('x') };
    const origin = new ServedOrigin({ entry: '/', file: async () => file });
    channel?.open({ userId: 'ann', maxConnections: 10, maxBytes: 10_000, serves: origin });
    await page.expect(origin);
    await tab.page.goto(origin.url);
    await tab.page.evaluate(`fetch('/more').then((response) => response.text())`);
    const renderers = processTree(chromium.pid).filter((pid) => processType(pid) === 'renderer');
    expect(renderers).toEqual(expect.arrayContaining([...tab.pids]));
    expect([tab.pids.size, again]).toEqual([1, 0]);
    await chromium.close();
  });
});
