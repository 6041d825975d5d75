import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateRequest } from '../fuzz/generate.ts';
import { ProxyFuzz } from '../fuzz/proxy.ts';
import { watchSilence } from '../fuzz/silence.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

/** Any will do; a failure names the case, which `npm run fuzz -- --seed 1 --from N --cases 1` runs again. */
const SEED = 1;
/** Milliseconds. `npm run fuzz` has the limit that is promised; beside other tests there is more noise. */
const MAX_SILENCE_MS = 1_000;
/** For a first answer; half of a request gets none. */
const FOR_ANSWER_MS = 2_000;
/** For one more, to a request that contains several. */
const AFTER_ANSWER_MS = 200;

const thrown: unknown[] = [];
const onThrown = (error: unknown) => void thrown.push(error);
beforeAll(() => process.on('uncaughtException', onThrown).on('unhandledRejection', onThrown));
afterAll(() => process.off('uncaughtException', onThrown).off('unhandledRejection', onThrown));

describe('the proxy of documents', () => {
  it('survives 10,000 exchanges of hostile browsers and servers, and goes on', async () => {
    const fuzz = await ProxyFuzz.open();
    const watch = watchSilence();
    await fuzz.run({ seed: SEED, from: 0, to: 10_000, onDone: () => thrown.length > 0 && expect(fuzz.current).toEqual([]) });
    watch.end();
    expect(new Set(await fuzz.proper())).toEqual(new Set(['HTTP/1.1 200 OK … ok']));
    await fuzz.close();
    expect(thrown).toEqual([]);
    expect(watch.longest).toBeLessThan(MAX_SILENCE_MS);
  }, 600_000); // prettier-ignore
});

describe('the API', async () => {
  const { address, request, lines } = await startService();
  const { hostname: host, port } = new URL(address);

  /** @returns the statuses of all that came back, after a while without a word */
  const say = async (pieces: Buffer[], ends: string): Promise<string[]> => {
    const socket = connect({ host, port: Number(port) });
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    let said = '';
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      said += data.toString('latin1');
      socket.setTimeout(AFTER_ANSWER_MS);
    });
    socket.setTimeout(FOR_ANSWER_MS, () => socket.destroy());
    for (const piece of pieces) if (socket.writable) await new Promise<unknown>((done) => socket.write(piece, done));
    if (ends === 'end') socket.end();
    if (ends === 'reset') socket.resetAndDestroy();
    await closed;
    return said.match(/HTTP\/1\.1 \d{3}/g) ?? [];
  };

  it('answers 2,000 hostile requests with what is wrong with them, and goes on', async () => {
    const watch = watchSilence();
    const seen = new Map<string, number>();
    let next = 0;
    const slot = async () => {
      for (let number = next++; number < 2_000; number = next++) {
        const { pieces, ends } = generateRequest(SEED, number);
        for (const status of await say(pieces, ends)) {
          seen.set(status, (seen.get(status) ?? 0) + 1);
          if (status >= 'HTTP/1.1 500') expect([number, status]).toEqual([number, 'an answer that blames who asked']);
        }
      }
    };
    await Promise.all(Array.from({ length: 100 }, slot));
    watch.end();
    expect(thrown).toEqual([]);
    expect(seen.get('HTTP/1.1 200')).toBeGreaterThan(20);
    expect(seen.get('HTTP/1.1 400')).toBeGreaterThan(200);
    expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    expect(watch.longest).toBeLessThan(MAX_SILENCE_MS);
    expect((await request('/v1/jobs')).status).toBe(200);
    await eventually(async () => (await request('/livez', { key: null })).status === 200, 30_000, 'it lives');
  }, 600_000);
});
