import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePortAfter, portOwner } from '../../src/kernel/port-owner.ts';
import { undoLater } from '../support/clean-up.ts';
import { createDatabase } from '../support/database.ts';
import { typed } from '../support/typed.ts';

const { url } = await createDatabase();

/** A program that listens. @returns its port and pid */
async function listener(...words: string[]): Promise<{ port: number; pid: number }> {
  const program = `const server = require('node:net').createServer();
    server.listen(0, '127.0.0.1', () => console.log(server.address().port)); process.stdin.resume().on('end', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  undoLater(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(said.toString()), pid: child.pid ?? 0 };
}

async function listen(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  undoLater(() => new Promise<void>((done) => void server.close(() => done())));
  return { server, port: (server.address() as { port: number }).port };
}

describe('a port that is taken', () => {
  it.each(['PORT', 'OPS_PORT'])('is refused with who has it, and what to type: %s', async (name) => {
    const { port, pid } = await listener();
    const flag = name === 'PORT' ? '--port' : '--ops-port';
    const others = name === 'PORT' ? [] : ['--port', '0'];
    const { code, stdout, stderr } = await typed(['serve', flag, String(port), ...others, '--host', '127.0.0.1'], {
      DATABASE_URL: url,
    });
    expect(stderr).toMatch(
      new RegExp(`${name}: ${port} on 127.0.0.1 is taken by \\S*node \\(pid ${pid}\\); type ${flag} `),
    );
    const next = Number(/type --[a-z-]+ (\d+), or set/.exec(stderr)?.[1]);
    expect([code, stdout, next > port]).toEqual([1, '', true]);
  });

  it('is not told with the values of flags, which may be secrets', async () => {
    const { port } = await listener('--', 'serve', '--key', 'pdf_hidden');
    expect(await portOwner(port)).not.toContain('hidden');
  });

  it.each(['127.0.0.1', '::1', '0.0.0.0', '::'])('is found on %s', async (host) => {
    const { port } = await listen(host);
    expect(await portOwner(port)).toContain(`(pid ${process.pid})`);
    expect(await freePortAfter(port, host)).toBeGreaterThan(port);
  });

  it('has no owner once it is free', async () => {
    const { server, port } = await listen('127.0.0.1');
    await new Promise((done) => server.close(done));
    expect(await portOwner(port)).toBeUndefined();
    expect(await freePortAfter(65_535, '127.0.0.1')).toBeUndefined();
  });
});
