import { once } from 'node:events';
import { type ClientRequest, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { EventStream } from '../../src/http/event-stream.ts';

/** A request, and the answer to it, whose headers are not sent. */
async function answer(): Promise<{ request: ClientRequest; outgoing: ServerResponse }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).on('error', () => undefined);
  onTestFinished(() => {
    request.destroy();
    server.close();
  });
  const [, outgoing] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { request, outgoing };
}

it('what was taken before the headers are sent holds nobody up', async () => {
  const { request, outgoing } = await answer();
  const stream = new EventStream(outgoing);
  const reader = stream.body.getReader();
  const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
  stream.write(Buffer.from('a'));
  expect([stream.isFull, await next(), stream.isFull]).toEqual([true, 'a', false]);
  stream.write(Buffer.from('b'));
  const taken = stream.taken();
  expect(await next()).toBe('b');
  void next(); // asked for before the headers, as by the one who waits for the first bytes
  await taken;
  await stream.taken();
  outgoing.writeHead(200).flushHeaders();
  const [answered] = (await once(request, 'response')) as [IncomingMessage];
  stream.write(Buffer.from('c')); // not through the one who asked
  expect(String((await once(answered, 'data'))[0])).toBe('c');
});

it('waits no longer when the connection is closed', async () => {
  const { outgoing } = await answer();
  const stream = new EventStream(outgoing);
  stream.write(Buffer.from('a'));
  const taken = stream.taken();
  stream.cut();
  await taken;
  expect(stream.isOver).toBe(true);
});
