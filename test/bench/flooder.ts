import { Agent, request } from 'node:http';

// One tenant that asks for too much, in a process of its own: `flooder.ts KIND ADDRESS KEY JOB`. It stops
// when its parent ends it, and says then how each of its requests was answered.

/** Connections at a time, each with the next request as soon as the last is answered. */
const CONNECTIONS = { bodies: 24, documents: 64, lists: 64, polls: 64, trickles: 64 };
const LARGE = 5_000_000;
const TRICKLE_MS = 100;

const [kind = '', address = '', key = '', job = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const headers = { authorization: `Bearer ${key}` };
const large = Buffer.from(JSON.stringify({ html: 'x'.repeat(LARGE) }));
const small = Buffer.from(JSON.stringify({ html: '<p>x</p>' }));
const answers: Record<string, number> = {};

function ask(method: string, path: string, body?: Buffer): Promise<void> {
  return new Promise((done) => {
    const options = { agent, method, headers: { ...headers, ...(body && { 'content-type': 'application/json' }) } };
    const sent = request(`${address}${path}`, options, (response) => {
      answers[response.statusCode ?? 0] = (answers[response.statusCode ?? 0] ?? 0) + 1;
      response.resume().once('close', done);
    });
    sent.once('error', ({ message }) => {
      answers[message] = (answers[message] ?? 0) + 1;
      done();
    });
    if (!body || kind !== 'trickles') return void sent.end(body);
    // A megabyte is promised, and a byte comes now and then.
    sent.setHeader('content-length', 1_000_000);
    const timer = setInterval(() => sent.write(' '), TRICKLE_MS);
    sent.once('close', () => clearInterval(timer));
  });
}

const once: Record<keyof typeof CONNECTIONS, () => Promise<void>> = {
  bodies: () => ask('POST', '/v1/jobs', large),
  documents: () => ask('POST', '/v1/jobs', small),
  lists: () => ask('GET', '/v1/jobs?limit=100'),
  polls: () => ask('GET', `/v1/jobs/${job}`),
  trickles: () => ask('POST', '/v1/jobs', small),
};

process.once('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify(answers)}\n`);
  process.exit();
});
const flood = kind as keyof typeof CONNECTIONS;
for (let slot = 0; slot < CONNECTIONS[flood]; slot++)
  void (async () => {
    for (;;) await once[flood]();
  })();
process.stdout.write('floods\n');
