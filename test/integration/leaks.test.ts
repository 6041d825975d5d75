/**
 * @module-tag long
 * @module-tag user
 */

import { createSocket } from 'node:dgram';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';
import { type Canary, TOLD, WAYS, waysOut, waysOutSite } from '../support/ways-out.ts';

/** Another address of this machine than the loopback's, or at least another one of the loopback. */
const elsewhere =
  Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4')?.address ?? '127.0.0.2';

/** Ways that were heard of, and everything that came, whichever way. */
const heard = new Set<string>();
let connections = 0;
let datagrams = 0;

async function startCanary(address: string): Promise<Canary> {
  const server = createServer((request, response) => {
    const way = new URL(request.url ?? '/', 'http://canary').searchParams.get('way');
    if (way !== null) heard.add(way);
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  });
  server.on('connection', () => connections++);
  server.on('upgrade', (request, socket) => {
    heard.add(new URL(request.url ?? '/', 'http://canary').searchParams.get('way') ?? '');
    socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  const udp = createSocket('udp4', () => datagrams++);
  await new Promise<void>((done) => udp.bind(0, address, done));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    udp.close();
  });
  return { tcp: `${address}:${(server.address() as AddressInfo).port}`, udp: `${address}:${udp.address().port}` };
}

const canaries = [await startCanary('127.0.0.1'), await startCanary(elsewhere)];
let page = '';
const site = await startSite(waysOutSite(() => page));
page = waysOut(canaries, site.origin);

/** The browser, and what it says it did: the names it looked up are in there. */
const directory = mkdtempSync(join(tmpdir(), 'pdfprompt-leaks-'));
chmodSync(directory, 0o777);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const found = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
const netLog = join(directory, 'net-log.json');
const path = join(directory, 'headless-shell');
writeFileSync(path, `#!/bin/sh\nexec ${found.path} --log-net-log=${netLog} "$@"\n`, { mode: 0o755 });
const binary = { ...found, path };

/** Names of canaries that the browser itself tried to look up. */
function lookedUp(): string[] {
  const lines = readFileSync(netLog, 'utf8').split('\n');
  const id = /"HOST_RESOLVER_MANAGER_JOB":(\d+)/.exec(lines[0] ?? '')?.[1];
  expect(id).toBeDefined();
  return lines.filter((line) => line.includes(`"type":${id}}`) && line.includes('canary.test'));
}

beforeEach(() => {
  heard.clear();
  connections = datagrams = 0;
  rmSync(netLog, { force: true });
});

const ASK = { waitForTimeout: 4_000, timeoutMs: 20_000 };
const HEADER = { displayHeaderFooter: true, headerTemplate: `<img src="http://${canaries[0]?.tcp}/?way=header">` };

describe('a document that tries every way out', () => {
  it(`knows at least 45 of them`, () => expect(WAYS.length).toBeGreaterThanOrEqual(45));

  it.each(['namespace', 'proxy'])(
    'reaches nothing in the jail of kind %s, and looks up nothing',
    async (kind) => {
      const { renderer, lines } = await createRenderer(
        { RENDER_JAIL: kind, ...site.env, DOCUMENT_MAX_RESOURCES: '5000' },
        {},
        binary,
      );
      await renderer.start();
      const pdf = await pdfOf(renderer, { url: site.origin, ...ASK, options: HEADER });
      await pdfOf(renderer, { html: page, ...ASK });
      await renderer.stop();
      expect([...heard]).toEqual([]);
      expect({ connections, datagrams, lookedUp: lookedUp() }).toEqual({ connections: 0, datagrams: 0, lookedUp: [] });
      expect(pdf.failedResources.length).toBeGreaterThan(10);
      expect(lines.join('')).toMatch(new RegExp(`"jail":"${kind}","sandbox":true`));
      expect(lines.join('')).toMatch(
        /"reason":"address","authority":"127\.0\.0\.1:\d+","userId":"ann","msg":"egress denied/,
      );
    },
    60_000,
  );

  it('reaches the canaries in most ways where nothing holds it', async () => {
    const { renderer } = await createRenderer(
      { DOCUMENT_MAX_RESOURCES: '5000' },
      { launch: () => launchChromium(binary) },
    );
    await renderer.start();
    await pdfOf(renderer, { url: site.origin, ...ASK, options: HEADER });
    await renderer.stop();
    const unheard = TOLD.filter((way) => !heard.has(way));
    expect(unheard.length, `not heard of: ${unheard.join(', ')}`).toBeLessThan(TOLD.length / 4);
    expect(connections).toBeGreaterThan(10);
    expect(datagrams).toBeGreaterThan(0);
    expect(lookedUp().length).toBeGreaterThan(10);
  }, 60_000);
});
