/** @module-tag long */

import { execFile } from 'node:child_process';
import { chown, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { QueueFigures } from '../../src/domain/queue-figures.ts';
import { isReachable, unprivilegedIdentity } from '../../src/kernel/privileges.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually, runningCommands } from '../support/processes.ts';
import { Shell } from '../support/shell.ts';

const run = promisify(execFile);

/** Milliseconds for one step: starting Chromium and five processes takes long on a busy machine. */
const STEP_MS = 400_000;
/** The page's ports. Here each is another one, that is free; nothing else of the page is changed. */
const PORTS = ['3000', '3001', '3002', '5433', '5434', '9090', '9101', '9102', '9103', '9104', '9105'];

const identity = unprivilegedIdentity(['nobody']);
const home = await ownDirectory('scaling');
const lab = join(home, 'pdfprompt-lab');
const shell = new Shell({ cwd: await ownCheckout(), env: { PATH: `${process.env.PATH}:/usr/bin:/bin`, HOME: home } });
const steps = await readSteps();
/** The headings of those that were run. */
const done: string[] = [];

afterAll(async () => {
  await shell.close();
  for (const pid of ofTheLab()) process.kill(pid, 'SIGQUIT');
  await eventually(() => ofTheLab().length === 0, 30_000, 'nothing of it runs any more');
});

/** Of whoever the commands run as. */
async function ownDirectory(name: string): Promise<string> {
  const directory = await temporaryDirectory(name);
  if (identity) await chown(directory, identity.uid, identity.gid);
  return directory;
}

/** This checkout, or started by root a copy that belongs to {@link identity}: npx wants to own what it runs. */
async function ownCheckout(): Promise<string> {
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  if (!identity) return checkout;
  const copy = await ownDirectory('checkout');
  for (const name of ['bin', 'grafana', 'package.json', 'sql', 'src'])
    await run('cp', ['-a', join(checkout, name), copy]);
  await run('chown', ['-R', `${identity.uid}:${identity.gid}`, copy]);
  const modules = join(checkout, 'node_modules');
  if (isReachable(modules, identity)) await symlink(modules, join(copy, 'node_modules'));
  else await run('cp', ['-a', modules, copy]);
  return copy;
}

/** Databases among them, which are nobody's children. */
function ofTheLab(): number[] {
  return runningCommands()
    .filter((command) => command.includes(home))
    .map((command) => parseInt(command));
}

/** The page's command blocks, in order, by the headings that they stand below. */
async function readSteps(): Promise<Map<string, string[]>> {
  const free = new Set<string>();
  while (free.size < PORTS.length) free.add(String(await freePort()));
  const ports = new Map([...free].map((port, index) => [PORTS[index], port]));
  const page = await readFile(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
  const found = new Map<string, string[]>();
  let below = '';
  for (const [, heading, block] of page.matchAll(/^#+ (.*)$|^```sh\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) below = heading;
    else found.set(below, [...(found.get(below) ?? []), replacePorts(block ?? '', ports)]);
  }
  return found;
}

function replacePorts(block: string, ports: Map<string | undefined, string>): string {
  return block.replace(/\b\d{4}\b/g, (number) => ports.get(number) ?? number);
}

/** @returns what each of its blocks printed */
async function take(heading: string): Promise<string[]> {
  const printed: string[] = [];
  const startedAt = performance.now();
  for (const block of steps.get(heading) ?? []) printed.push(await shell.run(block, STEP_MS - 10_000));
  process.stdout.write(`${heading}: ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
  done.push(heading);
  return printed;
}

async function textOf(name: string): Promise<string[]> {
  return (await readPdf(await readFile(join(lab, name)))).text;
}

describe('docs/scaling.md, every command of it', { timeout: STEP_MS }, () => {
  it('one process prints a key, and a PDF for it', async () => {
    await take('The way, step by step');
    const [printed, end] = await take('1. One process');
    expect(printed).toContain('%PDF');
    expect(await textOf('one.pdf')).toEqual(['One process']);
    expect(end).toBe('');
    expect(ofTheLab()).toEqual([]);
  });

  it('a Postgres', async () => {
    await take('2. A Postgres of your own');
    expect((await stat(join(lab, 'password'))).mode & 0o077).toBe(0);
    expect(ofTheLab().length).toBeGreaterThan(0);
  });

  it('two APIs and three workers: a job goes in through the one and is read through the other', async () => {
    const [, , job = ''] = await take('3. Two APIs, three workers');
    expect(JSON.parse(job)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await textOf('two.pdf')).toEqual(['Two APIs']);
  });

  it('a replica, with which doctor is content', async () => {
    const printed = await take('4. A replica');
    const doctor = printed.at(-1) ?? '';
    expect(doctor).toMatch(/^✓ read replica\s/m);
    expect(doctor).toMatch(/^✓ connections\s.*at most 143 of \d+ for 2 serve, 3 work and one more serve and work/m);
    expect(doctor).toMatch(/pdfprompt can work here/);
  });

  it('Prometheus counts five processes and three workers', async () => {
    const [printed = ''] = await take('5. Prometheus');
    expect(printed).toContain('=> 5 @');
    expect(printed).toContain('=> 3 @');
  });

  it('a worker more, one fewer, and one that is killed: every document becomes a PDF', async () => {
    const [more = '', killed, pdfs = '', figures = ''] = await take('6. More, fewer, and one that dies');
    expect([...more.matchAll(/=> (\d) @/g)].map(([, workers]) => workers)).toEqual(['4', '3']);
    expect(killed).toContain('work_2 ended with 137');
    const jobs = pdfs.match(/^[\w-]{36} %PDF$/gm) ?? [];
    expect(new Set(jobs).size).toBe(20);
    expect(pdfs).toMatch(/"jobs":[12],"msg":"worker lost; its jobs were requeued"/);
    const queue = JSON.parse(figures.slice(figures.indexOf('{"'))) as QueueFigures;
    expect(queue.workers).toBe(2);
    expect(queue.desiredWorkers).toBeGreaterThanOrEqual(1);
  });

  it('the end: nothing is left', async () => {
    await take('7. The end');
    expect(await readdir(home)).not.toContain('pdfprompt-lab');
    expect(shell.running).toEqual([]);
    expect(ofTheLab()).toEqual([]);
    expect(done).toEqual([...steps.keys()]);
  });
});
