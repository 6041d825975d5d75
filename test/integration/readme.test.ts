import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { undoLater } from '../support/clean-up.ts';
import { type Cli, COMPILED, pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** The pages whose examples are run. docs/scaling.md has a test of its own. */
const PAGES = [
  'README.md',
  'docs/http-api.md',
  'docs/command-line.md',
  'docs/documents.md',
  'docs/links.md',
  'docs/moving.md',
  'docs/events.md',
  'docs/operating.md',
  'docs/schedules.md',
  'docs/settings.md',
  'docs/tenants.md',
  'docs/webhooks.md',
  '.github/CONTRIBUTING.md',
];
const pages = PAGES.map((page) => readFileSync(join(checkout, page), 'utf8'));
const blocks = pages.flatMap((page) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({ language, text })),
);

/** Every example, by something that is in it, and which file runs it if this one does not. */
const EXAMPLES: Record<string, string> = {
  'npx pdfprompt up': 'test/e2e/up.test.ts',
  '-o hello.pdf': 'here',
  '-o moved.pdf': 'here',
  'node hello.ts': 'here',
  '-F index.html=@': 'here',
  '-T logo.svg': 'here',
  'pdfprompt render invoice.html': 'here',
  'pdfprompt render page.html': 'here',
  'node print-with-contents.mjs': 'test/integration/documents.test.ts',
  'pdfprompt init my-invoice': 'here',
  'pdfprompt migrate': 'here',
  'node print-invoice.mjs': 'here',
  '"runAt": ': 'here',
  '/link" \\': 'here',
  '-X DELETE "http://127.0.0.1:3000/v1/jobs/$ID/links"': 'here',
  'curl -sSN': 'here',
  '-X PUT http://127.0.0.1:3000/v1/schedules': 'test/integration/schedules-api.test.ts',
  '-X POST http://127.0.0.1:3000/v1/schedules': 'test/integration/schedules-api.test.ts',
  'node listen.mjs': 'here',
  '/v1/admin/keys': 'here',
  'keys create --user invoices@example.com': 'here',
  'customer-4711@example.com': 'here',
  'pdfprompt bench': 'test/e2e/bench.test.ts',
  'npx pdfprompt console --user': 'here',
  '/v1/admin/pauses/': 'here',
  'pdfprompt jobs retry -': 'here',
  'pdfprompt completion bash': 'test/integration/completion.test.ts',
  'promtool test rules': 'test/integration/promtool.test.ts',
  'plan --now': 'test/e2e/plan.test.ts',
  '/v1/webhooks -H': 'test/integration/webhook-examples.test.ts',
  '/test -H': 'test/integration/webhook-examples.test.ts',
  'node receive.mjs': 'test/integration/webhook-examples.test.ts',
  'npm run check': 'here',
  'npm run bench': 'here',
};

const example = (part: string) => blocks.find(({ text }) => text.includes(part))?.text ?? '';
const service = await startService({ worker: true, env: { COMPAT: 'browserless' } });
/** The example with the address and the key of this service; nothing else of it is changed. */
const filledIn = (text: string) =>
  text.replaceAll('http://127.0.0.1:3000', service.address).replaceAll('pdf_…', service.key);

/** An empty directory in which `npx pdfprompt` is this checkout's; npm's own npx takes seconds to find that out. */
const directory = await temporaryDirectory('readme');
await mkdir(join(directory, 'bin'));
await symlink(join(checkout, 'bin', 'pdfprompt.js'), join(directory, 'bin', 'pdfprompt'));
await writeFile(join(directory, 'bin', 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
const env = {
  PATH: `${join(directory, 'bin')}:${process.env.PATH}`,
  HOME: directory,
  PDFPROMPT_DATA_DIR: inject('dataDir'),
  NODE_COMPILE_CACHE: COMPILED,
};
const shell = (script: string, more: Record<string, string> = {}) =>
  run('bash', ['-euo', 'pipefail', '-c', script], { cwd: directory, env: { ...env, ...more } });
const pdf = async (name: string) => readPdf(await readFile(join(directory, name)));

describe('the examples in the README and the docs', () => {
  it('are all run', () => {
    // documents.test.ts prints those of HTML.
    const code = blocks.filter(({ language }) => language !== 'text' && language !== 'html');
    const without = code.filter(({ text }) => !Object.keys(EXAMPLES).some((part) => text.includes(part)));
    expect(without).toEqual([]);
    expect(Object.keys(EXAMPLES).filter((part) => example(part) === '')).toEqual([]);
    expect(Object.values(EXAMPLES).filter((file) => file !== 'here' && !existsSync(join(checkout, file)))).toEqual([]);
  });

  it('print the first PDF with curl', async () => {
    await shell(filledIn(example('-o hello.pdf')));
    expect(await pdf('hello.pdf')).toMatchObject({ pages: 1, text: ['Hello'] });
  });

  it('print one as a client of browserless', async () => {
    await shell(filledIn(example('-o moved.pdf')));
    expect(await pdf('moved.pdf')).toMatchObject({ text: ['Hello'], size: [596, 842] });
  });

  it('print the first PDF with TypeScript', async () => {
    await writeFile(
      join(directory, 'hello.ts'),
      filledIn(example('node hello.ts')).replace("'hello.pdf'", "'typed.pdf'"),
    );
    await shell('node hello.ts', { PDFPROMPT_KEY: service.key });
    expect(await pdf('typed.pdf')).toMatchObject({ pages: 1, text: ['Hello'] });
  });

  it('print a document with its files, and send a file once', async () => {
    await writeFile(join(directory, 'invoice.html'), '<link rel="stylesheet" href="css/invoice.css"><p>With files</p>');
    await writeFile(join(directory, 'invoice.css'), '@import "/none.css"; p::after { content: " and styles" }');
    await writeFile(join(directory, 'logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await shell(filledIn(example('-F index.html=@')));
    expect(await pdf('invoice.pdf')).toMatchObject({ text: ['With files and styles'], size: [596, 842] });
    const { stdout } = await shell(filledIn(example('-T logo.svg')));
    const { id } = JSON.parse(stdout) as { id: string };
    expect((await service.request(`/v1/assets/${id}`)).status).toBe(200);
  });

  it('submit a job for a later time', async () => {
    const { stdout } = await shell(filledIn(example('"runAt": ')));
    expect(JSON.parse(stdout)).toMatchObject({ status: 'scheduled' });
  });

  it('print an invoice from a program', async () => {
    await writeFile(join(directory, 'print-invoice.mjs'), filledIn(example('node print-invoice.mjs')));
    const { stdout } = await shell('node print-invoice.mjs', { PDFPROMPT_KEY: service.key });
    expect(stdout).toMatch(/status: 'completed'/);
    const { pages, text, size } = await pdf('invoice-4711.pdf');
    expect([pages, size]).toEqual([1, [596, 842]]);
    expect(
      text[0]
        ?.split(/\s*\n\s*/)
        .filter(Boolean)
        .toSorted(),
    ).toEqual(['12 boxes', 'Invoice 4711', 'Page 1']);
    await shell('node print-invoice.mjs', { PDFPROMPT_KEY: service.key });
    const [{ count } = { count: 0 }] =
      await service.sql`select count(*)::int from pdfprompt_job where idempotency_key = 'invoice-4711'`;
    expect(count).toBe(1);
  });

  it('listen to events, with curl and in a program', async () => {
    await writeFile(join(directory, 'listen.mjs'), filledIn(example('node listen.mjs')));
    const options = { cwd: directory, env: { ...env, PDFPROMPT_KEY: service.key } };
    const listeners = [
      spawn('bash', ['-c', `exec ${filledIn(example('curl -sSN'))}`], options),
      spawn(process.execPath, ['listen.mjs'], options),
    ];
    const printed = listeners.map(({ stdout }) => {
      let text = '';
      stdout.on('data', (data: Buffer) => (text += data.toString()));
      return () => text;
    });
    const count = async () => (await service.base.events.metrics.text()).body.includes('pdfprompt_event_listeners 2\n');
    await eventually(count, 30_000, 'both listen');
    const { id } = (await (
      await service.request('/v1/jobs', { method: 'POST', body: '{"html":"<p>x</p>"}' })
    ).json()) as { id: string };
    await eventually(() => printed.every((text) => text().includes(id)), 30_000, 'both print the event');
    expect(printed[0]?.()).toMatch(/^event: job\.completed$/m);
    expect(printed[1]?.()).toContain("type: 'job.completed'");
    for (const listener of listeners) {
      listener.kill('SIGKILL');
      await once(listener, 'close');
    }
  }, 60_000);

  it('print files without a server', async () => {
    await writeFile(join(directory, 'invoice.html'), '<p>An invoice</p>');
    await writeFile(join(directory, 'x.html'), '<p>From stdin</p>');
    await shell(example('pdfprompt render invoice.html'));
    expect((await pdf('out.pdf')).text).toEqual(['From stdin']);
    expect((await pdf('pdfs/invoice.pdf')).text).toEqual(['An invoice']);
    await writeFile(join(directory, 'page.html'), '<style>@page { size: A5 }</style><p>On A5</p>');
    await shell(example('pdfprompt render page.html'));
    expect(await pdf('page.pdf')).toMatchObject({ pages: 1, text: ['On A5'], size: [420, 595] });
  }, 60_000);

  it('print a template of one’s own, and save it', async () => {
    const env = { PDFPROMPT_URL: service.address, PDFPROMPT_KEY: service.key };
    const { stdout } = await shell(example('pdfprompt init my-invoice'), env);
    expect(stdout).toMatch(/^my-invoice@1$/m);
    const { pages, text } = await pdf('my-invoice.pdf');
    expect(pages).toBe(1);
    const data: unknown = JSON.parse(await readFile(join(directory, 'my-invoice', 'data.json'), 'utf8'));
    const body = JSON.stringify({ template: 'my-invoice', data });
    const response = await service.request('/v1/pdf', { method: 'POST', body });
    expect((await readPdf(await response.arrayBuffer())).text).toEqual(text);
  }, 60_000);

  it('make links without a key, and revoke them', async () => {
    const body = JSON.stringify({ html: '<p>By a link</p>' });
    const { id } = (await (await service.request('/v1/jobs', { method: 'POST', body })).json()) as { id: string };
    await service.request(`/v1/jobs/${id}?wait=30`);
    const { stdout } = await shell(filledIn(example('/link" \\')), { ID: id });
    const { url } = JSON.parse(stdout) as { url: string };
    expect((await readPdf(await (await fetch(url)).arrayBuffer())).text).toEqual(['By a link']);
    await shell(filledIn(example('-X DELETE "http://127.0.0.1:3000/v1/jobs/$ID/links"')), { ID: id });
    expect((await fetch(url)).status).toBe(404);
  });

  it('make a key by the API', async () => {
    const { key: adminKey } = await createKey(service.base.db, { email: 'ops@example.com', scopes: ['admin'] });
    const curl = example('/v1/admin/keys').replace(/^npx .*$/m, '');
    const { stdout } = await shell(filledIn(curl), { ADMIN_KEY: adminKey });
    expect(JSON.parse(stdout)).toMatchObject({
      user: 'ann@example.com',
      tier: 'professional',
      key: expect.stringMatching(/^pdf_/),
    });
    const customer = await shell(filledIn(example('customer-4711@example.com')), { ADMIN_KEY: adminKey });
    expect(JSON.parse(customer.stdout)).toMatchObject({ user: 'customer-4711@example.com', tier: 'professional' });
  });

  it('pause a tier and resume it, and retry what failed by one error', async () => {
    const { key: operatorKey } = await createKey(service.base.db, { email: 'ops@example.com', scopes: ['operator'] });
    await shell(filledIn(example('/v1/admin/pauses/')), { OPERATOR_KEY: operatorKey });
    const loop = { html: '<script>for (;;);</script>', timeoutMs: 1_000 };
    const answer = await service.request('/v1/pdf', { method: 'POST', body: JSON.stringify(loop) });
    expect(answer.status).toBe(422);
    const { stdout } = await shell(
      example('pdfprompt jobs retry -').replace(/--after [\d-]+/, `--after ${new Date().toISOString().slice(0, 10)}`),
      { DATABASE_URL: service.url },
    );
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  it('start an API and a worker on a database, and make keys', async () => {
    const database = await createDatabase();
    const port = await freePort();
    const ours = { DATABASE_URL: database.url, PORT: String(port) };
    const lines = [
      example('pdfprompt migrate'),
      example('keys create --user ops@example.com --tier system'),
      example('npx pdfprompt console --user'),
      example('keys create --user invoices@example.com'),
    ]
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('npx pdfprompt '))
      // Not for the whole network, as on a server.
      .map((line) => line.replace('0.0.0.0', '127.0.0.1').split(' ').slice(2));
    expect(lines.map(([command]) => command)).toEqual([
      'migrate',
      'keys',
      'serve',
      'work',
      'keys',
      'console',
      'keys',
      'keys',
    ]);
    let key = '';
    const running: Cli[] = [];
    for (const line of lines) {
      const cli = pdfprompt(line, { env: ours });
      if (line[0] === 'serve' || line[0] === 'work') running.push(cli);
      else {
        const { code, stdout } = await cli.exited;
        expect([line, code]).toEqual([line, 0]);
        if (line[0] === 'keys') key ||= stdout.trim();
      }
    }
    undoLater(async () => running.forEach(({ child }) => child.kill('SIGINT')));
    await shell(`curl -sS --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:${port}/readyz >/dev/null`);
    await shell(
      filledIn(example('-o hello.pdf'))
        .replaceAll(service.address, `http://127.0.0.1:${port}`)
        .replaceAll(service.key, key),
    );
    expect((await pdf('hello.pdf')).text).toEqual(['Hello']);
    for (const cli of running) cli.child.kill('SIGINT');
    for (const cli of running) expect(await cli.exited).toMatchObject({ code: 0 });
  }, 120_000);

  it('name scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = pages.flatMap((page) =>
      [...page.matchAll(/\bnpm (?:run )?([a-z]+(?::[a-z]+)*)/g)].map(([, name = '']) => name),
    );
    const ofNpm = new Set(['ci', 'install', 'pack', 'run']);
    expect(named.filter((name) => !ofNpm.has(name) && scripts[name] === undefined)).toEqual([]);
  });
});
