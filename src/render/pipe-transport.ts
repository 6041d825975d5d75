import type { Readable, Writable } from 'node:stream';
import type { ConnectionTransport } from 'puppeteer';
import { piecesOf } from './large-text.ts';

/** A piece of a PDF needs less than 2 MB, and V8 has no strings of 512 MB. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/**
 * Chrome's pipe protocol: JSON messages, each followed by a NUL. The browser has rendered untrusted documents and may be
 * compromised: a message that is too large or that puppeteer cannot handle ends that browser and nothing else.
 * @param end ends the browser
 */
export function pipeTransport(input: Writable, output: Readable, end: () => void): ConnectionTransport {
  const transport: ConnectionTransport = {
    send: (message) => {
      if (!input.writable) return;
      input.cork(); // one write
      for (const piece of piecesOf(`${message}\0`)) input.write(piece);
      input.uncork();
    },
    close: () => input.end(),
  };
  const giveUp = () => {
    output.destroy(); // ignores further messages
    end();
  };
  const handle = (message: string) => {
    try {
      // puppeteer's handler is asynchronous, so an error becomes a rejection.
      const handled: unknown = transport.onmessage?.(message);
      Promise.resolve(handled).catch(giveUp);
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
      handle(message.toString('utf8'));
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
  input.on('error', () => undefined); // the process has ended; 'close' reports it
  output.on('error', () => undefined);
  return transport;
}
