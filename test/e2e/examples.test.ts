/** @module-tag long */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { connect } from '../../src/db/driver.ts';
import { signatureHeaders } from '../../src/deliveries/sign.ts';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

// Of Debian: php-cli, php-curl, ruby. `.ci/run` installs them.

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(checkout, 'examples');
const service = await startService({ worker: true });
const env = { PATH: process.env.PATH ?? '', PDFPROMPT_URL: service.address, PDFPROMPT_KEY: service.key };

interface Ran {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

function run(
  program: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    ...options,
    env: { ...env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, errors]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => errors.push(data));
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => done({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(errors).toString() }));
  });
}

const textOf = async (pdf: Buffer) => (await readPdf(pdf)).text.join(' ');

/** Each prints an invoice; then a request with a mistake, whose message it writes; then the same request twice. */
const languages = [
  {
    name: 'laravel',
    program: 'php',
    args: (call: string) => [
      '-r',
      `require '${examples}/laravel/app/Services/PdfPrompt.php';
       $pdfprompt = new App\\Services\\PdfPrompt(getenv('PDFPROMPT_URL'), getenv('PDFPROMPT_KEY'));
       try { echo ${call}; } catch (RuntimeException $error) { fwrite(STDERR, $error->getMessage()); exit(1); }`,
    ],
    print: `$pdfprompt->pdf(['html' => '<h1>Invoice 7</h1>', 'options' => ['format' => 'A4']])`,
    mistake: `$pdfprompt->pdf(['html' => '<h1>Invoice 7</h1>', 'options' => ['formt' => 'A4']])`,
    twice: `$pdfprompt->pdf(['html' => 'x'], 'of-php') === $pdfprompt->pdf(['html' => 'x'], 'of-php') ? 'same' : 'other'`,
  },
  {
    name: 'rails',
    program: 'ruby',
    args: (call: string) => [
      '-e',
      `require '${examples}/rails/app/services/pdf_prompt.rb'
       begin; $stdout.binmode.write(${call}); rescue PdfPrompt::Error => error; warn error.message; exit 1; end`,
    ],
    print: `PdfPrompt.new.pdf({ html: '<h1>Invoice 7</h1>', options: { format: 'A4' } })`,
    mistake: `PdfPrompt.new.pdf({ html: '<h1>Invoice 7</h1>', options: { formt: 'A4' } })`,
    twice: `PdfPrompt.new.pdf({ html: 'x' }, idempotency_key: 'of-ruby') == PdfPrompt.new.pdf({ html: 'x' }, idempotency_key: 'of-ruby') ? 'same' : 'other'`,
  },
];

describe.each(languages)('examples/$name', ({ name, program, args, print, mistake, twice }) => {
  it('prints, and prints the same request once', async () => {
    const printed = await run(program, args(print));
    expect(printed.stderr).toBe('');
    expect(await readPdf(printed.stdout)).toMatchObject({ text: ['Invoice 7'], size: [596, 842] });
    expect((await run(program, args(twice))).stdout.toString()).toBe('same');
    const of = name === 'rails' ? 'of-ruby' : 'of-php';
    const jobs = await service.sql`select id from pdfprompt_job where idempotency_key = ${of}`;
    expect(jobs).toHaveLength(1);
  });

  it('says what the service says of a mistake', async () => {
    const { code, stderr } = await run(program, args(mistake));
    expect(code).toBe(1);
    expect(stderr).toContain('options.formt');
  });

  it('asks again when the connection is cut, also in the middle of a PDF, and when the service is busy', async () => {
    const door = await unsteadyDoor();
    const printed = await run(program, args(print), { env: { PDFPROMPT_URL: door.address } });
    expect(printed.stderr).toBe('');
    expect(await textOf(printed.stdout)).toBe('Invoice 7');
    expect(new Set(door.keys)).toHaveLength(1);
    expect(door.keys).toHaveLength(4);
  });
});

/** Cuts the first connection, answers 503 on the second, ends the third in the middle of its answer, and lets the others through. @returns the idempotency keys that came */
async function unsteadyDoor(): Promise<{ address: string; keys: string[] }> {
  const keys: string[] = [];
  const server = createServer((incoming, outgoing) => {
    keys.push(String(incoming.headers['idempotency-key']));
    if (keys.length === 1) return void incoming.socket.destroy();
    if (keys.length === 2) return void outgoing.writeHead(503, { 'Retry-After': '1' }).end();
    const forwarded = request(
      `${service.address}${incoming.url}`,
      { method: incoming.method ?? '', headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        if (keys.length > 3) return void answer.pipe(outgoing);
        answer.once('data', (data: Buffer) => outgoing.write(data.subarray(0, data.length / 2), () => outgoing.socket?.end())); // prettier-ignore
      },
    );
    incoming.pipe(forwarded);
  });
  const port = await listenOnLoopback(server);
  undoLater(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { address: `http://127.0.0.1:${port}`, keys };
}

/** A copy of an example, with the packages that its README installs. */
async function install(example: string): Promise<string> {
  const directory = await temporaryDirectory(example);
  await cp(join(examples, example), directory, { recursive: true });
  const [packages, own] = [join(directory, 'node_modules'), join(directory, 'pdfprompt')];
  await mkdir(packages);
  await mkdir(own);
  // The client that is in the checkout: a built one is `e2e/pack`'s.
  const manifest = { name: 'pdfprompt', type: 'module', exports: { './client': './client.ts' } };
  await writeFile(join(own, 'package.json'), JSON.stringify(manifest));
  await symlink(join(checkout, 'src/client/client.ts'), join(own, 'client.ts'));
  await symlink(own, join(packages, 'pdfprompt'));
  await symlink(join(checkout, 'node_modules/express'), join(packages, 'express'));
  return directory;
}

describe('examples/nextjs', () => {
  it('answers with a PDF', async () => {
    const directory = await install('nextjs');
    const ask = (id: string) => `
      const { GET } = await import('./app/invoices/[id]/route.ts');
      const response = await GET(new Request('http://localhost/invoices/${id}'), { params: Promise.resolve({ id: '${id}' }) });
      console.error(response.status, response.headers.get('content-type'));
      process.stdout.write(Buffer.from(await response.arrayBuffer()));`;
    const node = (id: string, more = {}) =>
      run(process.execPath, ['--input-type=module', '-e', ask(id)], { cwd: directory, env: more });
    const printed = await node('7');
    expect(printed.stderr).toBe('200 application/pdf\n');
    expect(await textOf(printed.stdout)).toBe('Invoice 7');
    expect((await node('x')).stderr).toContain('404 ');
    expect((await node('7', { PDFPROMPT_KEY: 'pdf_wrong' })).stderr).toMatch(/unauthenticated[^]*503 /);
  });
});

describe('examples/express', () => {
  it('answers with a PDF, and believes a webhook that is signed', async () => {
    const directory = await install('express');
    const secret = `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`;
    const server = spawn(process.execPath, ['server.mjs'], {
      cwd: directory,
      env: { ...env, PORT: '0', WEBHOOK_SECRET: secret },
    });
    undoLater(async () => {
      server.kill();
      await once(server, 'exit');
    });
    let said = '';
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
    await eventually(async () => said.includes('http://'), 30_000, 'it listens');
    const address = said.trim();
    const pdf = await fetch(`${address}/invoices/7.pdf`);
    expect(pdf.headers.get('content-type')).toContain('application/pdf');
    expect(await textOf(Buffer.from(await pdf.arrayBuffer()))).toBe('Invoice 7');

    expect((await fetch(`${address}/invoices/abc.pdf`)).status).toBe(404);

    const body = JSON.stringify({ type: 'job.completed', timestamp: '2026-01-01T00:00:00Z', data: { id: 'of-a-job' } });
    const send = (headers: Record<string, string>) =>
      fetch(`${address}/hooks/pdf`, {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'application/json', ...headers },
      });
    const signed = signatureHeaders({ id: 'msg_1', at: new Date(), payload: body, secrets: [secret] });
    expect((await send(signed)).status).toBe(204);
    expect(said).toContain('job.completed of-a-job');
    expect((await send({ ...signed, 'webhook-id': 'msg_2' })).status).toBe(401);
  });
});

describe('examples/github-action', () => {
  it('prints the documents of a repository', async () => {
    const repository = await temporaryDirectory('repository');
    await mkdir(join(repository, 'docs'));
    await writeFile(join(repository, 'docs', 'one.md'), '# One');
    await writeFile(join(repository, 'docs', 'two.md'), '# Two');
    // As `npm install pdfprompt` leaves it.
    await mkdir(join(repository, 'node_modules', '.bin'), { recursive: true });
    await symlink(checkout, join(repository, 'node_modules', 'pdfprompt'));
    await symlink(join(checkout, 'bin', 'pdfprompt.js'), join(repository, 'node_modules', '.bin', 'pdfprompt'));
    const workflow = parse(await readFile(join(examples, 'github-action', 'pdfs.yml'), 'utf8')) as {
      jobs: { pdfs: { steps: { name?: string; run?: string; with?: Record<string, string> }[] } };
    };
    const { steps } = workflow.jobs.pdfs;
    const script = steps.find(({ name }) => name === 'Print')?.run ?? '';
    const { code, stderr } = await run('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: repository,
      env: { PDFPROMPT_DATA_DIR: inject('dataDir') },
    });
    expect(stderr).not.toContain('pdfprompt:');
    expect(code).toBe(0);
    const kept = steps.at(-1)?.with?.path ?? '';
    for (const [name, text] of [
      ['one', 'One'],
      ['two', 'Two'],
    ] as const)
      expect(await textOf(readFileSync(join(repository, kept, `${name}.pdf`)))).toContain(text);
  });
});

describe('examples/cron-sql', () => {
  it('prints each invoice that is due once, however often it runs', async () => {
    await createUnlimitedKey(service.base.db, 'billing@example.com');
    const monthly = await readFile(join(examples, 'cron-sql', 'invoices.sql'), 'utf8');
    const sql = connect(service.url, { max: 1 });
    undoLater(() => sql.end());
    await sql.unsafe(monthly); // makes the table
    await sql`insert into invoices (customer_email, number, total, due_on) values
      ('ann@example.com', '2026-1', 119, current_date), ('bob@example.com', '2026-2', 238, current_date - 1), ('eve@example.com', '2026-3', 1, current_date + 1)`;
    for (let month = 0; month < 3; month++) await sql.unsafe(monthly);
    const ended = async () => sql<{ number: string; job: { status: string } | null }[]>`
      select number, pdfprompt.job(pdf_job) as job from invoices order by number`;
    await eventually(async () => (await ended()).filter(({ job }) => job?.status === 'completed').length === 2, 60_000, 'both are printed'); // prettier-ignore
    expect((await ended()).map(({ job }) => job?.status)).toEqual(['completed', 'completed', undefined]);
    expect(await sql`select id from pdfprompt_job j where metadata ->> 'invoice' like '2026-%'`).toHaveLength(2);
  });
});
