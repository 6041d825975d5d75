import type { Readable, Writable } from 'node:stream';
import type { ConnectionTransport } from 'puppeteer';

/** Bytes of one message. A piece of a PDF takes less than two million; V8 makes no string of 512. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/**
 * Chrome's pipe protocol: JSON messages, each ended by a NUL. Who speaks has rendered hostile documents, and may
 * be one by now: a message that is too large, or that puppeteer cannot take, is the end of that browser, and of
 * nothing else.
 * @param end ends the browser
 */
export function pipeTransport(input: Writable, output: Readable, end: () => void): ConnectionTransport {
  const transport: ConnectionTransport = {
    send: (message) => {
      if (input.writable) input.write(`${message}\0`);
    },
    close: () => input.end(),
  };
  const giveUp = () => {
    output.destroy(); // nothing more of what it says is heard
    end();
  };
  const take = (message: string) => {
    try {
      // puppeteer parses it in an asynchronous function: what fails there is a rejection that nobody waits for.
      const taken: unknown = transport.onmessage?.(message);
      Promise.resolve(taken).catch(giveUp);
    } catch {
      giveUp();
    }
  };
  let pending: Buffer[] = [];
  let size = 0;
  output.on('data', (data: Buffer) => {
    let start = 0;
    for (let at = data.indexOf(0); at !== -1 && !output.destroyed; at = data.indexOf(0, start)) {
      const last = data.subarray(start, at);
      const message = size === 0 ? last : Buffer.concat([...pending, last]);
      pending = [];
      size = 0;
      start = at + 1;
      take(message.toString('utf8'));
    }
    if (start === data.length) return;
    const rest = data.subarray(start);
    pending.push(rest);
    size += rest.byteLength;
    if (size <= MAX_MESSAGE_BYTES) return;
    pending = [];
    giveUp();
  });
  output.once('close', () => transport.onclose?.());
  input.on('error', () => undefined); // the process is gone: 'close' says so
  output.on('error', () => undefined);
  return transport;
}
