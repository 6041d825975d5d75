import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import puppeteer from 'puppeteer';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { withLargeText } from '../../src/render/large-text.ts';
import { pipeTransport } from '../../src/render/pipe-transport.ts';
import { generateMessage } from '../fuzz/generate.ts';

function open(onmessage?: (message: string) => unknown) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let ended = 0;
  const transport = pipeTransport(input, output, () => ended++);
  if (onmessage) Object.assign(transport, { onmessage });
  return { transport, input, output, ended: () => ended };
}

describe('the pipe of a browser', () => {
  it('hands over messages as they were sent, however they were cut', async () => {
    const heard: string[] = [];
    const { output, ended } = open((message) => heard.push(message));
    const bytes = Buffer.from('one\0\0zwei \u00fc\0three\0');
    for (const byte of bytes) output.write(Buffer.from([byte]));
    output.write(Buffer.from('four\0fi'));
    output.write(Buffer.from('ve\0'));
    await turn();
    expect(heard).toEqual(['one', '', 'zwei \u00fc', 'three', 'four', 'five']);
    expect(ended()).toBe(0);
  });

  it('sends a large text as if it were in the message', async () => {
    const { transport, input } = open();
    const random = seededRandom(3);
    const pieces = [
      '"',
      '\\',
      '\n',
      '\u0001',
      '€',
      '\ud83d\ude00',
      '\ud800',
      'x',
      '<img src="',
      ')',
      `base64,${'AbC/+9'.repeat(500)}`,
      `base64,${'Ab€"'.repeat(500)}`,
      `base64,${'A'.repeat(2_003)}==`,
      `base64,${'A\u0002'.repeat(800)}`,
    ];
    for (let turn = 0; turn < 200; turn++) {
      const some = Array.from({ length: 10 }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      for (const text of [some, some + 'y'.repeat(70_000)]) {
        const send = (html: string) => transport.send(JSON.stringify({ id: turn, html, last: true }));
        withLargeText(text, send);
        const sent = String(input.read());
        expect(JSON.parse(sent.slice(0, -1))).toEqual({ id: turn, html: text, last: true });
        expect(sent.endsWith('}\0')).toBe(true);
      }
    }
    transport.send('{}');
    expect(String(input.read())).toBe('{}\0');
  });

  it.each([
    ['throws', () => { throw new Error('not mine'); }],
    ['rejects', () => Promise.reject(new Error('not mine'))],
  ])('is closed, and the browser ended, when who hears it %s', async (_, onmessage) => {
    const { transport, output, ended } = open(onmessage);
    const closed = new Promise<void>((done) => Object.assign(transport, { onclose: done }));
    output.write('one\0two\0');
    await closed;
    await turn();
    expect(ended()).toBeGreaterThan(0);
    expect(output.destroyed).toBe(true);
  }); // prettier-ignore

  it('is closed when a message never ends', async () => {
    const { output, ended } = open();
    const piece = Buffer.alloc(32 * 1024 * 1024, 'x');
    for (let count = 0; count < 8; count++) output.emit('data', piece);
    expect(ended()).toBe(0);
    output.emit('data', piece);
    expect(ended()).toBe(1);
  });

  it('survives 2,000 hostile messages to puppeteer itself', async () => {
    const thrown: unknown[] = [];
    const onThrown = (error: unknown) => void thrown.push(error);
    process.on('uncaughtException', onThrown).on('unhandledRejection', onThrown);
    let ended = 0;
    for (let number = 0; number < 2_000; ) {
      const pipe = open();
      // It asks for the browser's version and targets, and is answered with whatever comes.
      const connecting = puppeteer.connect({ transport: pipe.transport, protocolTimeout: 1_000 }).catch(() => undefined);
      for (let count = 0; count < 50 && !pipe.output.destroyed; count++) {
        pipe.output.write(Buffer.concat([generateMessage(1, number++), Buffer.from('\0')]));
        await turn();
      }
      if (pipe.ended() > 0) ended++;
      pipe.output.destroy();
      await connecting;
    }
    process.off('uncaughtException', onThrown).off('unhandledRejection', onThrown);
    expect(thrown).toEqual([]);
    expect(ended).toBeGreaterThan(20);
  }); // prettier-ignore
});
