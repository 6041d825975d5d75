import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { Dialer } from '../../src/egress/dialer.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { SEND_ERRORS } from '../../src/egress/send-request.ts';
import { completeJob } from '../support/end-job.ts';
import { forbiddenUrls } from '../support/forbidden-hosts.ts';
import { freePort } from '../support/free-port.ts';
import { startNameServer } from '../support/name-server.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

// One address of this machine is open to deliveries, as the internet would be; the same port of all others is forbidden.

const OPEN = '127.0.0.7';
const isReached = (address: string) => Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address)); // prettier-ignore
const FORBIDDEN = ['127.0.0.1', '127.255.255.254', ...(isReached('::1') ? ['::1'] : [])];

interface Got {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}
const got: Got[] = [];
/** Addresses of ours that somebody connected to. */
const reached: string[] = [];
/** By the path: what is answered, with which headers. */
const answers = new Map<string, { status: number; headers?: Record<string, string> }[]>();

async function listen(address: string, at: number): Promise<number> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined);
    request.once('end', () => {
      const { url: path = '', headers } = request;
      got.push({ path, headers, body: Buffer.concat(pieces).toString('latin1') });
      const plan = answers.get(path) ?? [];
      const { status, headers: more = {} } = (plan.length > 1 ? plan.shift() : plan[0]) ?? { status: 200 };
      response.writeHead(status, more).end();
    });
  });
  if (address !== OPEN) server.on('connection', () => reached.push(address));
  await new Promise<void>((done, failed) => server.once('error', failed).listen(at, address, done));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const port = await listen(OPEN, 0);
for (const address of FORBIDDEN) await listen(address, port);
const closed = await freePort();

/** Addresses of names, each time one is asked for. */
const zone = new Map<string, () => string[]>();
let lookups = 0;
const nameServer = await startNameServer((name) => {
  lookups++;
  return zone.get(name)?.() ?? [];
});
const EGRESS_ALLOW = `${OPEN}:${port},${OPEN}:${closed}`;
const rules = EGRESS_ALLOW.split(',').flatMap((rule) => parseEgressRule(rule) ?? []);
const dialer = new Dialer({ policy: new EgressPolicy({ policy: 'public', rules }), nameServers: [nameServer] });
/** Seconds: the second try is the last one. */
const LADDER = [0.05];
const service = await startService({ deliverer: { ladder: LADDER, webhookMs: 10_000, dialer }, env: { EGRESS_ALLOW } });
const { sql, request } = service;
const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user`;
const userId = user?.id ?? '';

const all = forbiddenUrls(OPEN, port);

const SECRET = `whsec_${Buffer.from('a secret of a test').toString('base64')}`;

interface Row {
  id: string;
  url: string;
  status: string;
  tries: { status: number | null; error: string | null; answer: string; ms: number }[];
}

/** Deliveries that the API would not have made. @returns when all have ended */
async function deliver(
  urls: string[],
  as: 'webhook' | 'upload' | 'endpoint' = 'webhook',
  headers = {},
): Promise<Row[]> {
  // prettier-ignore
  const made = urls.map((url) => ({ id: uuidv7(), webhook: as === 'endpoint' ? uuidv7() : null, url }));
  const ids = made.map(({ id }) => id);
  await sql`
    with made as (
      select * from json_to_recordset(${JSON.stringify(made)}::text::json) as m (id uuid, webhook uuid, url text)
    ), endpoint as (
      insert into pdfprompt_webhook (id, user_id, url, events, secret)
      select webhook, ${userId}, url, '{}', ${SECRET} from made where webhook is not null returning id
    ), inserted as (
      insert into pdfprompt_delivery (id, user_id, job_id, kind, url, webhook_id, headers, host, event, status, ready_at)
      select m.id, ${userId}, ${completed}, ${as === 'upload' ? 'upload' : 'webhook'}, case when m.webhook is null then m.url end,
        e.id, ${JSON.stringify(headers)}::text::jsonb, pdfprompt_host_of(m.url), 'job.completed', 'ready', now()
      from made m left join endpoint e on e.id = m.webhook returning 1
    )
    select pg_notify('pdfprompt_deliveries', '') from inserted limit 1`;
  let rows: Row[] = [];
  await eventually(
    async () => {
      rows = await sql<Row[]>`
        select d.id, coalesce(d.url, w.url) as url, d.status, coalesce((select json_agg(a order by a.number)
          from pdfprompt_delivery_attempt a where a.delivery_id = d.id), '[]') as tries
        from pdfprompt_delivery d left join pdfprompt_webhook w on w.id = d.webhook_id
        where d.id in ${sql(ids)} and d.ended_at is not null`;
      return rows.length === ids.length;
    },
    90_000,
    'all have ended',
  );
  return ids.map((id) => rows.find((row) => row.id === id) as Row);
}

async function submit(body: object) {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x', ...body }) });
  const answer = (await response.json()) as { id: string; errors?: { field: string }[] };
  return { ...answer, status: response.status };
}
const { id: completed } = await submit({});
await completeJob(service, completed);

describe('an address that may not be connected to', () => {
  it.each([
    ['webhook', (url: string) => ({ webhook: url }), ['webhook']],
    ['upload', (url: string) => ({ upload: url }), ['upload', 'upload.url']],
    ['upload with headers', (url: string) => ({ upload: { url, headers: { 'x-a': 'b' } } }), ['upload', 'upload.url']],
  ] as const)(`is refused by name as %s, in all of ${all.length} spellings`, async (_, bodyOf, fields) => {
    const wrong: string[] = [];
    for (let at = 0; at < all.length; at += 8)
      await Promise.all(
        all.slice(at, at + 8).map(async (url) => {
          const { status, errors } = await submit(bodyOf(url));
          const isNamed = errors?.length === 1 && (fields as readonly string[]).includes(errors[0]?.field ?? '');
          if (status !== 400 || !isNamed) wrong.push(`${JSON.stringify(url)}: ${status} ${JSON.stringify(errors)}`);
        }),
      );
    expect(wrong).toEqual([]);
  });

  it.each(['webhook', 'upload', 'endpoint'] as const)(
    'is not connected to as %s, however its row came to be there',
    async (as) => {
      got.length = 0;
      const rows = await deliver(all, as);
      const wrong = rows.filter(
        ({ status, tries }) =>
        status !== 'failed' || tries.some(({ error, status: answered }) => answered !== null || ![SEND_ERRORS.address, SEND_ERRORS.unsendable].some((words) => words === error)), // prettier-ignore
      );
      expect(wrong.map(({ url, status, tries }) => ({ url, status, tries }))).toEqual([]);
      expect({ reached, got }).toEqual({ reached: [], got: [] });
    },
  );

  it('is told from the one that is open, in every spelling of that', async () => {
    got.length = 0;
    const hosts = [
      OPEN,
      '127.7',
      '0x7f.0.0.7',
      '0177.0.0.07',
      '2130706439',
      `${OPEN}.`,
      '１２７.0.0.7',
      `user:word@${OPEN}`,
      `[::ffff:${OPEN}]`,
    ];
    const rows = await deliver(hosts.map((host) => `HTTP://${host}:${port}/open`));
    expect(rows.map(({ status }) => status)).toEqual(hosts.map(() => 'delivered'));
    expect(got.map(({ headers }) => headers.authorization)).toEqual(hosts.map(() => undefined));
    const asked = new Set(got.map(({ headers }) => headers.host));
    expect(asked).toEqual(new Set([`${OPEN}:${port}`, `[::ffff:7f00:7]:${port}`]));
  });
});

describe('a name', () => {
  it.each([
    ['an allowed and a forbidden address', [OPEN, '127.0.0.1']],
    ['a forbidden and an allowed address', ['127.0.0.1', OPEN]],
    ['an allowed address, and a forbidden one in IPv6', [OPEN, '::1']],
    ['a forbidden address written as IPv6', ['::ffff:7f00:1']],
    ['no address', ['::']],
    ['all addresses', ['0.0.0.0']],
  ])('with %s is not connected to', async (what, addresses) => {
    got.length = 0;
    const name = `${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.example`;
    zone.set(name, () => addresses);
    for (const as of ['webhook', 'upload', 'endpoint'] as const) {
      const [row] = await deliver([`http://${name}:${port}/x`], as);
      expect(row).toMatchObject({ status: 'failed', tries: [{ error: SEND_ERRORS.unreachable }, { error: SEND_ERRORS.unreachable }] }); // prettier-ignore
    }
    expect({ reached, got }).toEqual({ reached: [], got: [] });
  });

  it('is not looked up when it is submitted', async () => {
    const before = lookups;
    expect((await submit({ webhook: 'http://inside.example/', upload: 'http://inside.example/' })).status).toBe(202);
    expect(lookups).toBe(before);
    await sql`delete from pdfprompt_job where id <> ${completed}`;
  });

  it('that is allowed at the first try and forbidden at the next is connected to once', async () => {
    got.length = 0;
    answers.set('/rebinding', [{ status: 500 }]);
    const turns = new Map<string, number>();
    for (const as of ['webhook', 'upload', 'endpoint'] as const) {
      const name = `rebinding-${as}.example`;
      zone.set(name, () => {
        const turn = turns.get(name) ?? 0;
        turns.set(name, turn + 1);
        return turn < 2 ? [OPEN] : ['127.0.0.1', '::1']; // A and AAAA
      });
      const [row] = await deliver([`http://${name}:${port}/rebinding`], as);
      expect(row).toMatchObject({ status: 'failed', tries: [{ status: 500 }, { status: null, error: SEND_ERRORS.unreachable }] }); // prettier-ignore
    }
    expect(got.map(({ path }) => path)).toEqual(Array(3).fill('/rebinding'));
    expect(reached).toEqual([]);
  });

  it('of our network is told from an unknown one neither by words nor by time, whether its port is open or closed', async () => {
    zone.set('inside.example', () => ['127.0.0.1']);
    zone.set('outside.example', () => [OPEN]);
    const urls = {
      'inside, open': `http://inside.example:${port}/`,
      'inside, closed': `http://inside.example:${closed}/`,
      unknown: `http://unknown.example:${port}/`,
      'outside, closed': `http://outside.example:${closed}/`,
    };
    const seen: Record<string, { words: string[]; ms: number }> = {};
    for (const [what, url] of Object.entries(urls)) {
      const tries = (await deliver(Array<string>(8).fill(url))).flatMap((row) => row.tries);
      const ms = tries.map((each) => each.ms).toSorted((a, b) => a - b)[tries.length / 2] ?? Number.NaN;
      seen[what] = {
        words: [...new Set(tries.map(({ status, error, answer }) => `${status} ${error} ${answer}`))],
        ms,
      };
    }
    for (const { words, ms } of Object.values(seen)) {
      expect(words).toEqual([`null ${SEND_ERRORS.unreachable} `]);
      expect(ms).toBeLessThan(1_000); // nobody waits for an answer from inside
    }
    expect(reached).toEqual([]);
  });
});

describe('an answer', () => {
  const inside = `http://127.0.0.1:${port}/inside`;
  it.each([
    ...[300, 301, 302, 303, 305, 307, 308].map((status) => [status, { location: inside }] as const),
    [302, { location: `//127.0.0.1:${port}/` }],
    [302, { location: '/elsewhere' }],
    [401, { 'www-authenticate': `Negotiate, Basic realm="${inside}"` }],
    [407, { 'proxy-authenticate': 'Basic realm="x"' }],
    [421, { 'alt-svc': `h2="127.0.0.1:${port}"; ma=60` }],
    [
      200,
      { refresh: `0; url=${inside}`, link: `<${inside}>; rel=preload`, 'alt-svc': `h2="127.0.0.1:${port}"; ma=60` },
    ],
  ] as const)('of %i %j leads nowhere', async (status, headers) => {
    got.length = 0;
    answers.set('/answer', [{ status, headers }]);
    for (const as of ['webhook', 'upload', 'endpoint'] as const) {
      const [row] = await deliver([`http://${OPEN}:${port}/answer`], as);
      expect(row).toMatchObject(
        status === 200
          ? { status: 'delivered', tries: [{ status }] }
          : { status: 'failed', tries: [{ status }, { status }] },
      );
    }
    expect(new Set(got.map(({ path }) => path))).toEqual(new Set(['/answer']));
    expect(reached).toEqual([]);
  });
});

describe('line ends', () => {
  const INJECTED = 'x\r\nX-Injected: 1\r\n\r\nPOST /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

  it.each([
    [{ 'x-a': INJECTED }, 'upload.headers.x-a'],
    [{ 'x-a\r\nX-Injected': '1' }, 'upload.headers["x-a??X-Injected"]'],
    [{ 'x-a': 'a\0b' }, 'upload.headers.x-a'],
    [{ Host: '127.0.0.1' }, 'upload.headers.Host'],
    [{ 'content-length': '1' }, 'upload.headers.content-length'],
    [{ 'Transfer-Encoding': 'chunked' }, 'upload.headers.Transfer-Encoding'],
  ])('are refused in the headers of an upload, and so are those of the connection: %j', async (headers, field) => {
    const { status, errors } = await submit({ upload: { url: `http://${OPEN}:${port}/x`, headers } });
    expect({ status, errors }).toMatchObject({ status: 400, errors: [{ field }] });
  });

  it('add no header and no request, wherever they are in a row', async () => {
    got.length = 0;
    const file = '%PDF-1.4';
    const url = `http://${OPEN}:${port}/whole`;
    const sent: Record<string, string>[] = [
      { 'x-a': INJECTED },
      { 'x-a\r\nX-Injected': '1' },
      { 'x-a: 1\r\nX-Injected': '1' },
      { '': 'x' },
      { 'x-a': 'a\u0001b' },
      { 'x-a': '漢' },
      { 'x-a': 'y'.repeat(1_000_000) },
      { Host: '127.0.0.1', 'x-a': 'b' },
      { 'Content-Length': '1', 'x-a': 'b' },
      { 'Transfer-Encoding': 'chunked', 'x-a': 'b' },
      { Connection: 'x-a, upgrade', Upgrade: 'websocket', 'x-a': 'b' },
      { Expect: '100-continue', TE: 'trailers', Trailer: 'x-a' },
    ];
    for (const headers of sent) {
      const [row] = await deliver([url], 'upload', headers);
      expect(['delivered', 'failed']).toContain(row?.status);
    }
    const urls = [
      `http://${OPEN}:${port}/whole${INJECTED}`,
      `http://${OPEN}:${port}/whole?${INJECTED}`,
      `http://${OPEN}:${port}/whole%0d%0aX-Injected:%201`,
      `http://${OPEN}:${port}/whole#${INJECTED}`,
      `http://${OPEN}:${port}/whole/${'z'.repeat(100_000)}`,
    ];
    for (const as of ['webhook', 'upload', 'endpoint'] as const) await deliver(urls, as);
    expect(got.length).toBeGreaterThan(10);
    for (const { path, headers, body } of got) {
      expect(path).toMatch(/^\/whole/);
      expect(headers).not.toHaveProperty('x-injected');
      expect(headers.host).toBe(`${OPEN}:${port}`);
      expect(headers['content-length']).toBe(String(body.length));
      expect(headers).not.toHaveProperty('transfer-encoding');
      expect(body === file || body.startsWith('{"type":"job.completed"')).toBe(true);
    }
    expect(reached).toEqual([]);
  });

  it('are not there in what is too long to be a URL', async () => {
    const url = `http://${OPEN}:${port}/${'z'.repeat(1_000_000)}`;
    for (const [body, field] of [
      [{ webhook: url }, 'webhook'],
      [{ upload: url }, 'upload'],
    ] as const)
      expect(await submit(body)).toMatchObject({ status: 400, errors: [{ field }] });
  });
});

it('connections to forbidden addresses would have been seen', async () => {
  for (const address of FORBIDDEN) await new Promise<void>((done) => connect({ host: address, port }, done).unref());
  await eventually(() => reached.length === FORBIDDEN.length, 30_000, 'each is counted');
});
