/** @module-tag user */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { finishingSchema } from '../../src/domain/finishing.ts';
import type { FinishContext, Finisher } from '../../src/finishing/finisher.ts';
import { withoutNetwork } from '../../src/kernel/confined-process.ts';
import { undoLater } from '../support/clean-up.ts';
import { filesOf, finish, pdfBytes, startFinisher } from '../support/finisher.ts';
import { commandOf, descendants, eventually, isAlive } from '../support/processes.ts';
import { silentEvents } from '../support/silent-events.ts';
import type { Doings } from '../support/steps.ts';

/** Processes of steps below this one or another. */
const stepProcesses = (pid = process.pid) =>
  descendants(pid).filter((each) => commandOf(each).includes('finishing/child'));
/** @returns those that were started since; the ones of earlier tests may end meanwhile */
function watchNew(): () => number[] {
  const before = stepProcesses();
  return () => stepProcesses().filter((pid) => !before.includes(pid));
}
const NO_FINISHING = finishingSchema.parse({});
const busyLoop = { first: { does: 'loop' } };
const good: Doings = { first: { does: 'mark', mark: '1' } };

describe('steps', () => {
  it('run in the order of the list, whatever the order of the request', async () => {
    const finisher = await startFinisher();
    const all = {
      third: { does: 'mark', mark: '3' },
      first: { does: 'mark', mark: '1' },
      second: { does: 'mark', mark: '2' },
    };
    expect(filesOf(await finish(finisher, all))).toEqual(['pdf123/1']);
    expect(filesOf(await finish(finisher, { ...all, second: undefined }))).toEqual(['pdf13/1']);
  });

  it('replace PDFs, make one of many and many of one', async () => {
    const finisher = await startFinisher();
    const pdfs = [pdfBytes('abcd', 2), pdfBytes('efgh', 3)];
    const run = async (doings: Doings) => filesOf(await finish(finisher, doings, pdfs));
    const [split, merge, mark] = [{ does: 'split' }, { does: 'merge' }, { does: 'mark', mark: '+' }];
    expect(await run({ first: mark })).toEqual(['abcd+/2', 'efgh+/3']);
    expect(await run({ first: merge, second: mark })).toEqual(['abcdefgh+/5']);
    expect(await run({ first: split, second: mark })).toEqual(['ab+/1', 'cd+/1', 'ef+/1', 'gh+/1']);
    expect(await run({ first: split, second: merge, third: mark })).toEqual(['abcdefgh+/4']);
    expect(await run({ first: merge, second: split, third: mark })).toEqual(['abcd+/1', 'efgh+/1']);
  });

  it('leave PDFs as they are that came in pieces, whatever their size', async () => {
    const finisher = await startFinisher({ caps: { maxBytes: 1e8, maxPages: 5_000, memoryBytes: 1e9 } });
    for (const size of [1, 65_535, 65_536, 1_048_576, 1_048_577, 5_000_003]) {
      const bytes = Buffer.alloc(size, 'every byte counts ');
      const whole = pdfBytes(bytes);
      const chunks = [bytes.subarray(0, size / 3), bytes.subarray(size / 3)].filter(({ length }) => length > 0);
      const outcome = await finish(finisher, { first: { does: 'mark' } }, [{ ...whole, chunks }]);
      expect(outcome).toMatchObject({ kind: 'done', files: [{ size, sha256: whole.sha256 }] });
    }
  });

  it('that nobody asks for cost nothing: the PDFs are those that were printed, and no process is started', async () => {
    const finisher = await startFinisher();
    const pdfs = [pdfBytes('pdf')];
    const started = watchNew();
    const outcome = await finish(finisher, {}, pdfs);
    expect(outcome).toEqual({ kind: 'done', files: pdfs });
    expect('files' in outcome && outcome.files).toBe(pdfs);
    expect(started()).toEqual([]);
  });

  it.each([
    ['many', 'pdf_too_large', 'there are more than 1000 PDFs after the step first'],
    ['large', 'pdf_too_large', 'the PDF is larger than 1000000 bytes after the step first'],
    ['largeTogether', 'pdf_too_large', 'the PDFs together are larger than 1000000 bytes after the step first'],
    ['pages', 'too_many_pages', 'the PDF has 5001 pages after the step first; allowed: 5000'],
  ])('that make more than is allowed fail their job: %s', async (does, code, message) => {
    const finisher = await startFinisher();
    expect(await finish(finisher, { first: { does } })).toEqual({ kind: 'reject', code, message });
  });

  it('see nothing of the process that started them, and read and start nothing', async () => {
    const finisher = await startFinisher();
    const looked = filesOf(await finish(finisher, { first: { does: 'look' } })).map((file) => file.replace('/1', ''));
    const uid = process.getuid?.();
    expect(looked).toEqual(['{}', '"/"', String(uid === 0 ? 65_534 : uid), ...Array.from({ length: 4 }, () => 'ERR_ACCESS_DENIED')]); // prettier-ignore
  });

  it('connect nowhere', async () => {
    const server = createServer((socket) => socket.end());
    let connections = 0;
    server.on('connection', () => connections++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    undoLater(async () => void server.close());
    const { port } = server.address() as AddressInfo;
    const finisher = await startFinisher();
    const tried = filesOf(await finish(finisher, { first: { does: 'connect', port } }));
    const given = 'this process has no network/1';
    expect(tried).toEqual([given, expect.any(String), 'ENETUNREACH/1', 'ENETUNREACH/1', 'ENETUNREACH/1']);
    expect(tried).not.toContain('done/1');
    expect(connections).toBe(0);
    expect(await withoutNetwork()).not.toHaveProperty('reason');
  });
});

describe('processes of steps', () => {
  const pidsOf = async (finisher: Finisher, jobs: readonly Partial<FinishContext>[]) => {
    const found: (string | undefined)[] = [];
    for (const job of jobs) found.push(filesOf(await finish(finisher, { first: { does: 'pid' } }, undefined, job))[0]);
    return found.map((pid) => found.indexOf(pid));
  };

  it('are kept for whatever our own browser has printed', async () => {
    const tenants = ['ann', 'ann', 'bob', 'cleo'].map((tenant) => ({ tenant }));
    for (const isolation of ['tenant', 'shared'] as const)
      expect(await pidsOf(await startFinisher({ isolation }), tenants)).toEqual([0, 0, 0, 0]);
    const finisher = await startFinisher({ isolation: 'job' });
    expect(await pidsOf(finisher, tenants)).toEqual([0, 1, 2, 3]);
    await finisher.stop();
  });

  it('are kept after a job that a step refuses, and ended after one whose step fails', async () => {
    const finisher = await startFinisher();
    const pid = async () => filesOf(await finish(finisher, { first: { does: 'pid' } }))[0];
    const first = await pid();
    expect(await finish(finisher, { first: { does: 'refuse' } })).toMatchObject({ code: 'page_ranges_invalid' });
    expect(await pid()).toBe(first);
    expect(await finish(finisher, { first: { does: 'throw' } })).toMatchObject({ code: 'finishing_failed' });
    const second = await pid();
    expect(second).not.toBe(first);
    // A job with uploads has a process of its own, whatever becomes of it.
    const uploaded = { parts: [{ isUploaded: true }] };
    const refused = await finish(
      finisher,
      { first: { does: 'mark' }, second: { does: 'refuse' } },
      undefined,
      uploaded,
    );
    expect(refused).toMatchObject({ code: 'page_ranges_invalid' });
    expect(await pid()).toBe(second);
    await finisher.stop();
  });

  it('have one job only if it has uploads, and none before it', async () => {
    const finisher = await startFinisher();
    const [own, uploaded] = [{}, { parts: [{ isUploaded: true }] }];
    const layer = { result: { finishing: { ...NO_FINISHING, overlay: [{ pdf: 'letter.pdf' }] } } };
    expect(await pidsOf(finisher, [own, uploaded, own, uploaded, layer, own])).toEqual([0, 1, 0, 3, 4, 0]);
    await finisher.stop();
  });

  it('are started before they are needed, once uploads have come', async () => {
    const finisher = await startFinisher();
    const started = watchNew();
    const job = { parts: [{ isUploaded: true }] };
    filesOf(await finish(finisher, { first: { does: 'mark' } }, undefined, job));
    await eventually(() => started().length === 1, 10_000, 'another process waits');
    const [waiting] = started();
    expect(filesOf(await finish(finisher, { first: { does: 'pid' } }, undefined, job))).toEqual([`${waiting}/1`]);
    await eventually(() => started().some((pid) => pid !== waiting), 10_000, 'and the next one');
    finisher.freeMemory();
    await eventually(() => started().length === 0, 10_000, 'nothing waits when memory is short');
    expect(filesOf(await finish(finisher, good, undefined, job))).toEqual(['pdf1/1']);
    await finisher.stop();
  });

  it.each([1, 2])('are as many as are allowed, and jobs wait in order: %i', async (processes) => {
    const finisher = await startFinisher({ processes, isolation: 'shared' });
    const started = watchNew();
    const ended: number[] = [];
    let most = 0;
    const jobs = Array.from({ length: 7 }, async (_, index) => {
      filesOf(await finish(finisher, { first: { does: 'wait', ms: index === 0 ? 1_000 : 100 } }));
      ended.push(index);
      most = Math.max(most, started().length);
    });
    await eventually(() => finisher.isBehind, 5_000, 'more jobs wait than there are processes');
    await Promise.all(jobs);
    expect(finisher.isBehind).toBe(false);
    expect(most).toBe(processes);
    if (processes === 1) expect(ended).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('that are all busy for too long interrupt the job, which another worker may do', async () => {
    const finisher = await startFinisher({ processes: 1, waitMs: 100 });
    const abort = new AbortController();
    const busy = finish(finisher, busyLoop, undefined, { signal: abort.signal });
    expect(await finish(finisher, good)).toEqual({ kind: 'interrupted', reason: 'finishing' });
    abort.abort();
    expect(await busy).toEqual({ kind: 'interrupted' });
  });

  it.each(['while it starts', 'while it works', 'while it waits for its turn'])(
    'end at once for a job that is cancelled %s',
    async (when) => {
      const finisher = await startFinisher({ processes: 1 });
      const started = watchNew();
      const other = new AbortController();
      const busy =
        when === 'while it waits for its turn' && finish(finisher, busyLoop, undefined, { signal: other.signal });
      if (when === 'while it works') filesOf(await finish(finisher, good));
      const abort = new AbortController();
      const job = finish(finisher, busyLoop, undefined, { signal: abort.signal });
      await eventually(() => started().length > 0, 5_000, 'there is a process');
      abort.abort();
      expect(await job).toEqual({ kind: 'interrupted' });
      other.abort();
      await busy;
      await eventually(() => started().length === 0, 5_000, 'there is no process');
      expect(filesOf(await finish(finisher, good))).toEqual(['pdf1/1']);
    },
  );

  it('end when nobody needs them', async () => {
    const finisher = await startFinisher({ idleMs: 300 });
    const started = watchNew();
    filesOf(await finish(finisher, good));
    expect(started()).toHaveLength(1);
    await eventually(() => started().length === 0, 5_000, 'the process has ended');
  });

  it.each(['starts', 'works'])('are replaced if they are killed from outside, once: while it %s', async (when) => {
    const started = watchNew();
    const victim = () => started()[0] ?? 0;
    let kills = 0;
    const kill = () => {
      if (kills++ === 0) process.kill(victim(), 'SIGKILL');
    };
    const events = silentEvents();
    if (when === 'works') events.stepEnded = kill; // the second has begun
    const finisher = await startFinisher({ events });
    const job = finish(finisher, { first: { does: 'mark', mark: '1' }, second: { does: 'wait', ms: 1_000 } });
    if (when === 'starts') {
      await eventually(() => victim() > 0, 5_000, 'there is a process');
      kill();
    }
    expect(filesOf(await job)).toEqual(['pdf1/1']);
    expect(kills).toBeGreaterThan(0);
  });

  it('leave nothing behind at a stop, whatever they do', async () => {
    const finisher = await startFinisher({ processes: 3 });
    const files = readdirSync(tmpdir());
    const started = watchNew();
    filesOf(await finish(finisher, good, undefined, { tenant: 'idle' }));
    const jobs = [busyLoop, good, busyLoop, good].map((doings) => finish(finisher, doings));
    await eventually(() => started().length === 3, 10_000, 'three processes');
    await finisher.stop();
    expect((await Promise.all(jobs)).map(({ kind }) => kind)).toContain('interrupted');
    expect(started()).toEqual([]);
    expect(readdirSync(tmpdir()).filter((name) => !files.includes(name) && /finish|step/.test(name))).toEqual([]);
    await finisher.start();
    expect(filesOf(await finish(finisher, good))).toEqual(['pdf1/1']);
  });

  it('end with the process that started them, even in an endless loop', async () => {
    const script = fileURLToPath(new URL('../support/parent-of-steps.ts', import.meta.url));
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(parent.stdout, 'data');
    const children = stepProcesses(parent.pid);
    expect(children).toHaveLength(2);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await eventually(() => !children.some(isAlive), 1_000, 'they have ended too');
  });
});
