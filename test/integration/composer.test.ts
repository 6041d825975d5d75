import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Composer, type ComposerOptions } from '../../src/templating/composer.ts';
import { commandOf, descendants, eventually, isAlive } from '../support/processes.ts';

const LOOP = {
  'index.html': '{{ "x" | barcode: "code128" }}',
  'schema.json': '{"properties":{"a":{"pattern":"^(a|a)*$"}}}',
};
const FOR_EVER = { a: `${'a'.repeat(100)}!` };

const composers: Composer[] = [];
async function start(options: Partial<ComposerOptions> = {}): Promise<Composer> {
  const composer = new Composer({ timeoutMs: 20_000, memoryBytes: 256 * MEGABYTE, size: 2, ...options });
  composers.push(composer);
  await composer.start();
  return composer;
}
afterEach(async () => {
  await Promise.all(composers.splice(0).map((composer) => composer.stop()));
});

interface Given {
  data?: object;
  key?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  tenant?: string;
}
const compose = (composer: Composer, texts: string | Record<string, string>, { data = {}, key, timeoutMs = 60_000, ...limits }: Given = {}) =>
  composer.compose(
    { kind: 'template', name: 't@1', key, texts: typeof texts === 'string' ? { 'index.html': texts } : texts, data, locale: 'en', timezone: 'UTC' },
    { timeoutMs, ...limits },
  ); // prettier-ignore
const processes = (pid = process.pid) =>
  descendants(pid).filter((each) => commandOf(each).includes('templating/child'));
/** The process that is in an endless loop. */
const busy = async () => {
  await eventually(() => processes().length > 0, 20_000, 'a process');
  const [pid = 0] = processes();
  const ticks = () =>
    Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[11],
    );
  await eventually(() => ticks() > 60, 20_000, 'it works');
  return pid;
};

describe('processes', () => {
  it('are started when they are needed, at most as many as allowed, and one is kept', async () => {
    const composer = await start();
    expect(processes()).toEqual([]);
    const all = Array.from({ length: 20 }, (_, n) => compose(composer, '{{ n }}', { data: { n } }));
    expect(await Promise.all(all)).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
    expect(processes().length).toBeGreaterThanOrEqual(1);
    expect(processes().length).toBeLessThanOrEqual(2);
  });

  it('wait for the first document, if asked to', async () => {
    const composer = await start({ isWarm: true });
    await eventually(() => processes().length === 1, 20_000, 'a process');
    const [pid] = processes();
    expect(await compose(composer, 'x')).toBe('x');
    expect(processes()).toEqual([pid]);
  });

  it('that do not start beforehand are no reason not to start, and are started for the first document', async () => {
    const { execPath } = process;
    process.execPath = '/nowhere/node';
    const composer = await start({ isWarm: true }).finally(() => {
      process.execPath = execPath;
    });
    expect(await compose(composer, 'fine')).toBe('fine');
    const killed = await start({ isWarm: true });
    await eventually(() => processes().length === 2, 20_000, 'a process');
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    expect(await compose(killed, 'fine')).toBe('fine');
  });

  it('see nothing of ours, and may do nothing', async () => {
    const composer = await start();
    await compose(composer, 'x');
    const [pid = 0] = processes();
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((entry) => entry.split('=')[0]);
    expect(environment.filter((name) => name && !name.startsWith('NODE_CHANNEL'))).toEqual(['TZ']);
    expect(commandOf(pid)).toContain('--permission ');
  });

  it('are replaced after a time limit, and the line is named if a tag is reached', async () => {
    const composer = await start({ timeoutMs: 300, size: 1 });
    const loop = '\n{% for a in (1..9999) %}{% for b in (1..9999) %}{% endfor %}{% endfor %}';
    await expect(compose(composer, loop)).rejects.toMatchObject({
      code: 'template_failed',
      message: expect.stringMatching(/^t@1, index\.html, line 2, column \d+: took longer than 0\.3 seconds$/),
    });
    await expect(compose(composer, LOOP, { data: FOR_EVER })).rejects.toMatchObject({
      code: 'template_failed',
      message: 't@1: took longer than 0.3 seconds',
    });
    expect(await compose(composer, 'fine')).toBe('fine');
  });

  it('end when nobody waits for them any more', async () => {
    const composer = await start({ size: 1 });
    const abort = new AbortController();
    const given = compose(composer, LOOP, { data: FOR_EVER, signal: abort.signal });
    given.catch(() => undefined);
    const pid = await busy();
    const waiting = compose(composer, 'waits');
    abort.abort(new Error('cancelled'));
    await expect(given).rejects.toThrow('cancelled');
    expect(await waiting).toBe('waits');
    await eventually(() => !isAlive(pid), 5_000, 'it has ended');
  });

  it('that another process kills are replaced, once', async () => {
    const composer = await start({ size: 1, timeoutMs: 60_000 });
    const given = compose(composer, LOOP, { data: FOR_EVER });
    given.catch(() => undefined);
    const first = await busy();
    process.kill(first, 'SIGKILL');
    await eventually(() => processes().some((pid) => pid !== first), 20_000, 'another one');
    process.kill(await busy(), 'SIGKILL');
    await expect(given).rejects.toMatchObject({ code: 'unavailable' });
    expect(await compose(composer, 'fine')).toBe('fine');
  });

  it('that end while they are idle are not used', async () => {
    const composer = await start({ size: 1 });
    await compose(composer, 'x');
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    expect(await compose(composer, 'fine')).toBe('fine');
  });

  it('end at a stop, whatever they do', async () => {
    const composer = await start();
    const given = compose(composer, LOOP, { data: FOR_EVER });
    given.catch(() => undefined);
    await busy();
    await composer.stop();
    await expect(given).rejects.toThrow(/abort/);
    expect(processes()).toEqual([]);
    await composer.start();
    expect(await compose(composer, 'again')).toBe('again');
  });

  it('end with the process that started them, even in an endless loop', async () => {
    const parent = spawn(process.execPath, [
      fileURLToPath(new URL('../support/parent-of-composer.ts', import.meta.url)),
    ]);
    await eventually(() => processes(parent.pid).length > 0, 20_000, 'its process');
    const [pid = 0] = processes(parent.pid);
    await sleep(500);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await eventually(() => !isAlive(pid), 10_000, 'it has ended');
  });
});

it('a template may have no data', async () => {
  const composer = await start();
  const input = { kind: 'template' as const, name: 't@1', texts: { 'index.html': 'x' }, data: undefined };
  expect(await composer.compose({ ...input, locale: 'en', timezone: 'UTC' }, { timeoutMs: 60_000 })).toBe('x');
});

describe('waiting', () => {
  it('for a turn is limited, and is not the template’s fault', async () => {
    const composer = await start({ size: 1, waitMs: 50 });
    const given = compose(composer, LOOP, { data: FOR_EVER });
    given.catch(() => undefined);
    await busy();
    await expect(compose(composer, 'x')).rejects.toMatchObject({ code: 'unavailable' });
    const late = compose(composer, LOOP, { data: FOR_EVER });
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is for the other documents of the tenant, and not for those of others', async () => {
    const composer = await start();
    let hasEnded = false;
    const slow = [1, 2, 3].map(() =>
      compose(composer, LOOP, { data: FOR_EVER, tenant: 'ann' })
        .catch(() => undefined)
        .finally(() => (hasEnded = true)),
    );
    await busy();
    expect(await compose(composer, '{{ x }}', { data: { x: 1 }, tenant: 'bob' })).toBe('1');
    expect(hasEnded).toBe(false);
    await composer.stop();
    await Promise.all(slow);
  });

  it('is reported with the rest of the time', async () => {
    const seen: { kind: string; ms: number }[] = [];
    const composer = await start({ onComposed: (about) => seen.push(about) });
    await compose(composer, 'x');
    await composer.compose({ kind: 'markdown', text: '**a**', allowHtml: false, locale: 'en' }, { timeoutMs: 60_000 });
    await expect(compose(composer, '{{ x }}')).rejects.toThrow('x is not there');
    expect(seen).toEqual(
      ['template', 'markdown', 'template'].map((kind) => ({ kind, ms: expect.any(Number) as number })),
    );
  });
});

describe('texts', () => {
  it('of a key are parsed once, and kept for it alone', async () => {
    const composer = await start({ size: 1 });
    const one = { 'index.html': "{% render 'p' %}", 'p.html': 'one' };
    expect(await compose(composer, one, { key: 'a' })).toBe('one');
    expect(await compose(composer, { ...one, 'p.html': 'two' }, { key: 'b' })).toBe('two');
    expect(await compose(composer, {}, { key: 'a' })).toBe('one'); // they need not be sent again
    await expect(compose(composer, {}, { key: 'c' })).rejects.toMatchObject({ code: 'template_failed' });
  });

  it('that a process has forgotten are sent again', async () => {
    const composer = await start({ size: 1 });
    const text = (n: number) => ({ 'index.html': `${n}{% comment %}${'x'.repeat(1_500_000)}{% endcomment %}` });
    for (const n of [1, 2, 1, 3, 2, 1]) expect(await compose(composer, text(n), { key: String(n) })).toBe(String(n));
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    expect(await compose(composer, text(1), { key: '1' })).toBe('1');
  });
});

it.each([[null], ['x'], [1], [[]], [{ a: 1n }], [circular()]])('data must be an object of JSON: %s', async (data) => {
  const composer = await start();
  await expect(compose(composer, 'x', { data: data as object })).rejects.toMatchObject({
    code: 'data_invalid',
    message: expect.stringMatching(/^data: /),
  });
});

function circular(): object {
  const data: Record<string, unknown> = {};
  data['self'] = data;
  return data;
}
