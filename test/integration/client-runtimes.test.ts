/** @module-tag long */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { type ScenarioResult, scenarios } from '../support/client-scenarios.ts';
import { temporaryDirectory } from '../support/files.ts';
import { bun, deno, otherNode, type Runtime, writeScenarios } from '../support/runtimes.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

const run = promisify(execFile);
const directory = await temporaryDirectory('client');
writeScenarios(directory);

/** The page and its modules, from an origin of their own. */
const site = await startSite((request, response) => {
  const name = new URL(request.url ?? '/', 'http://site').pathname;
  readFile(join(directory, name)).then(
    (bytes) => {
      response.setHeader('Content-Type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
      response.end(bytes);
    },
    () => {
      response.statusCode = 404;
      response.end();
    },
  );
});
const browser = await openBrowser();
const { address, newKey } = await startService({ worker: true, env: { CORS_ORIGINS: site.origin } });

const passed = Object.keys(scenarios).map((name) => ({ name }));

async function inProcess({ command, args }: Runtime, email: string): Promise<ScenarioResult[]> {
  const { stdout } = await run(command, [...args, join(directory, 'run.js'), address, await newKey(email)], {
    env: { HOME: directory, DENO_DIR: join(directory, 'deno'), NO_COLOR: '1' },
    cwd: directory,
  });
  return JSON.parse(stdout) as ScenarioResult[];
}

/** @param script an expression of which the page makes the results, with `url` and `key` */
async function inPage(script: string, email: string): Promise<ScenarioResult[]> {
  const page = await browser.newPage();
  await page.goto(`${site.origin}/page.html`);
  const [url, key] = [address, await newKey(email)].map((text) => JSON.stringify(text));
  return (await page.evaluate(`(async (url, key) => ${script})(${url}, ${key})`)) as ScenarioResult[];
}

describe.concurrent('the client does the same', () => {
  const runtimes: [string, () => Runtime][] = [
    ['Node 20', () => otherNode(20)],
    ['Node 24', () => ({ command: process.execPath, args: [] })],
    ['Bun', bun],
    ['Deno', deno],
  ];
  it.each(runtimes)('in %s', async (name, runtime) => {
    expect(await inProcess(runtime(), `${name.replace(' ', '')}@example.com`.toLowerCase())).toEqual(passed);
  });

  it('in a page of a browser', async () => {
    const script = `(await import('./page.js')).run(url, key)`;
    expect(await inPage(script, 'page@example.com')).toEqual(passed);
  });

  it('in a worker of a page', async () => {
    const script = `new Promise((resolve, reject) => {
      const worker = new Worker('worker.js', { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      worker.postMessage([url, key]);
    })`;
    expect(await inPage(script, 'worker@example.com')).toEqual(passed);
  });
});
