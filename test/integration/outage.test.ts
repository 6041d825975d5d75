import { describe, expect, it } from 'vitest';
import { signLink } from '../../src/links/link-token.ts';
import { createAdminKey } from '../support/console.ts';
import { createDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const database = await createDatabase();
const url = new URL(database.url);
const proxy = await TcpProxy.open(Number(url.port));
url.port = String(proxy.port);
const service = await startService({ database: { ...database, url: url.href } });
const { key: adminKey } = await createAdminKey(service);

const ID = '01a20b1c-7e0d-7435-94b8-0000000000cc';
/** By a key that this service does not know, so that it has to look for it. */
const TOKEN = signLink(
  { userId: ID, jobId: ID, position: 0, disposition: 'inline', revocations: 0, expiresAt: 2 ** 41 },
  { id: 1, secret: Buffer.alloc(32) },
);
const TIER = { requestsPerMinute: 1, requestsPerDay: 1, priority: 1 };
/** What is good enough to get as far as the database. */
const BODIES: Record<string, object> = {
  'POST /v1/jobs': { html: '<p>x</p>' },
  'POST /v1/pdf': { html: '<p>x</p>' },
  'POST /v1/batches': { request: { html: '<p>x</p>' }, items: [{}] },
  'POST /v1/admin/users': { email: 'eve@example.com', tier: 'starter' },
  'PUT /v1/admin/users/{id}/subscription': { tier: 'starter' },
  'PUT /v1/admin/users/{id}/limits': { requestsPerDay: 5 },
  'POST /v1/admin/keys': { email: 'eve@example.com' },
  'POST /v1/admin/keys/{id}/rotate': {},
  'PUT /v1/admin/tiers/{name}': TIER,
  'PUT /v1/admin/pauses/{target}': { reason: 'x' },
  'POST /v1/admin/actions': { action: 'cancel', filter: { status: 'queued' }, dryRun: true },
};

const { paths } = (await (await service.request('/openapi.json')).json()) as { paths: Record<string, object> };
const routes = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

function ask(route: string): Promise<Response> {
  const [method = '', path = ''] = route.split(' ');
  const body = BODIES[route];
  return service.request(
    path
      .replace('{id}', ID)
      .replace('{n}', '0')
      .replace('{name}', 'gold')
      .replace('{token}', TOKEN)
      .replace('{target}', 'all'),
    {
      method,
      key: path.startsWith('/v1/admin/') ? adminKey : service.key,
      headers: { prefer: 'wait=0' },
      ...(body && { body: JSON.stringify(body) }),
    },
  );
}

describe('while Postgres is away', () => {
  it('every route says so with 503, and when to come again', async () => {
    for (const route of routes) {
      const { status } = await ask(route); // with Postgres: so that keys and tiers are known, or not
      expect([route, status]).not.toEqual([route, 500]);
    }
    await proxy.close();
    expect(routes.length).toBeGreaterThan(15);
    const answers = await Promise.all(
      routes.map(async (route) => {
        const { status, headers } = await ask(route);
        return { route, status, retryAfter: Number(headers.get('retry-after')) };
      }),
    );
    for (const { route, status, retryAfter } of answers) {
      expect([route, status]).toEqual([route, 503]);
      expect(retryAfter).toBeGreaterThanOrEqual(1);
    }
  });
});
