import { createKey } from '../../src/accounts/keys.ts';
import { getUser } from '../../src/accounts/users.ts';
import type { Ask } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** Of the million's users, each of whom can be erased once. */
let nextToGo = 6_000;

/** Filters of the lists of jobs by what the indexes are for; each value is of many jobs, few or one. */
export const FILTERS: [what: string, query: (turn: number) => string][] = [
  ['', () => ''],
  ['id', (turn) => `id=${(0x019 + turn).toString(16).padStart(3, '0')}`],
  ['filename', (turn) => `filename=${turn % 2 ? 'invoice' : 'report-'}`],
  ['metadata', (turn) => `metadata.order=A-${1_000 * turn}&metadata.country=DE`],
  ['beginning of metadata', (turn) => `metadata.order=${turn % 2 ? 'A-12345*' : 'A-*'}`],
  ['error', () => 'error=render_timeout&metadata.country=DE'],
  ['template', (turn) => (turn % 2 ? 'template=invoice' : 'template=invoice@3')],
  ['time', () => `status=failed&after=${new Date(Date.now() - 86_400_000).toISOString()}`],
  ['batch', () => 'batch=0197b1c2-7a1e-7c3d-9d55-3f0e8a6b4c21'],
  ['retried', () => 'status=failed&retried=true'],
];
/** The same of what only operators ask for. */
export const OPERATORS_FILTERS: typeof FILTERS = [
  ['email', (turn) => `email=user${turn % 2 ? 1 : 123}`],
  ['tier', () => 'tier=enterprise'],
];

/** What an operator does, in an order in which each has something to be done to. */
export async function adminVisits({ chores }: StagedService, ask: Ask): Promise<Visit[]> {
  const admin = await createKey(chores.db, { email: 'operator@example.com', scopes: ['admin'] });
  const keys: string[] = [];
  const users: string[] = [];
  const jobs: string[] = [];
  const actions: string[] = [];
  const cursor = async (path: string) => {
    const page = (await ask(admin, 'GET', `${path}?limit=100`, 200)) as { nextCursor: string };
    await ask(admin, 'GET', `${path}?limit=100&cursor=${page.nextCursor}`, 200);
  };
  const email = (turn: number) => `new${turn}-${Date.now()}@example.com`;
  const limits = { requestsPerMinute: 5, requestsPerDay: 50, priority: 1 };
  return [
    { name: 'GET /v1/admin/users', run: async () => cursor('/v1/admin/users') },
    {
      name: 'POST /v1/admin/users',
      run: async (turn) => {
        const body = { email: email(turn), tier: 'starter' };
        users.push(((await ask(admin, 'POST', '/v1/admin/users', 201, { body })) as { id: string }).id);
      },
    },
    {
      name: 'GET /v1/admin/users/{id}',
      run: async (turn) => void (await ask(admin, 'GET', `/v1/admin/users/${users[turn]}`, 200)),
    },
    {
      name: 'PUT /v1/admin/users/{id}/subscription',
      run: async (turn) => {
        const path = `/v1/admin/users/${users[turn]}/subscription`;
        await ask(admin, 'PUT', path, 200, { body: { tier: 'professional' } });
      },
    },
    {
      name: 'PUT /v1/admin/users/{id}/limits',
      run: async (turn) =>
        void (await ask(admin, 'PUT', `/v1/admin/users/${users[turn]}/limits`, 200, { body: { requestsPerDay: 7 } })),
    },
    {
      name: 'DELETE /v1/admin/users/{id}/limits',
      run: async (turn) => void (await ask(admin, 'DELETE', `/v1/admin/users/${users[turn]}/limits`, 204)),
    },
    ...[...FILTERS, ...OPERATORS_FILTERS].map(([what, query]) => ({
      name: `GET /v1/admin/jobs${what === '' ? '' : ` (${what})`}`,
      run: async (turn: number) => {
        const path = `/v1/admin/jobs?${query(turn)}`;
        const page = (await ask(admin, 'GET', path, 200)) as { data: { id: string }[]; nextCursor: string | null };
        if (page.nextCursor !== null)
          await ask(admin, 'GET', `${path}&cursor=${encodeURIComponent(page.nextCursor)}`, 200);
        jobs.push(...page.data.map(({ id }) => id));
      },
    })),
    {
      name: 'GET /v1/admin/jobs/{id}',
      run: async (turn) => void (await ask(admin, 'GET', `/v1/admin/jobs/${jobs[turn]}`, 200)),
    },
    { name: 'GET /v1/admin/keys', run: async () => cursor('/v1/admin/keys') },
    {
      name: 'GET /v1/admin/keys (of a user)',
      run: async (turn) => void (await ask(admin, 'GET', `/v1/admin/keys?email=user${5_000 + turn}@example.com`, 200)),
    },
    {
      name: 'POST /v1/admin/keys',
      run: async (turn) => {
        const body = { email: turn % 2 ? `user${4_000 + turn}@example.com` : email(turn) };
        keys.push(((await ask(admin, 'POST', '/v1/admin/keys', 201, { body })) as { id: string }).id);
      },
    },
    {
      name: 'POST /v1/admin/keys/{id}/rotate',
      run: async (turn) => void (await ask(admin, 'POST', `/v1/admin/keys/${keys[turn]}/rotate`, 201, { body: {} })),
    },
    {
      name: 'DELETE /v1/admin/keys/{id}',
      run: async (turn) => void (await ask(admin, 'DELETE', `/v1/admin/keys/${keys[turn]}`, 200)),
    },
    { name: 'GET /v1/admin/audit', run: async () => cursor('/v1/admin/audit') },
    { name: 'GET /v1/admin/queue', run: async () => void (await ask(admin, 'GET', '/v1/admin/queue', 200)) },
    {
      name: 'PUT /v1/admin/pauses/{target}',
      run: async (turn) => {
        const body = { reason: 'a visit' };
        await ask(admin, 'PUT', `/v1/admin/pauses/user:${users[turn]}`, 201, { body });
      },
    },
    { name: 'GET /v1/admin/pauses', run: async () => void (await ask(admin, 'GET', '/v1/admin/pauses', 200)) },
    {
      name: 'DELETE /v1/admin/pauses/{target}',
      run: async (turn) => void (await ask(admin, 'DELETE', `/v1/admin/pauses/user:${users[turn]}`, 204)),
    },
    {
      name: 'POST /v1/admin/actions',
      run: async (turn) => {
        const body = { action: 'replay', filter: { user: users[turn] } };
        actions.push(((await ask(admin, 'POST', '/v1/admin/actions', 201, { body })) as { id: string }).id);
      },
    },
    { name: 'GET /v1/admin/actions', run: async () => void (await ask(admin, 'GET', '/v1/admin/actions', 200)) },
    {
      name: 'GET /v1/admin/actions/{id}',
      run: async (turn) => void (await ask(admin, 'GET', `/v1/admin/actions/${actions[turn]}`, 200)),
    },
    {
      name: 'DELETE /v1/admin/actions/{id}',
      run: async (turn) => void (await ask(admin, 'DELETE', `/v1/admin/actions/${actions[turn]}`, 200)),
    },
    { name: 'GET /v1/admin/tiers', run: async () => void (await ask(admin, 'GET', '/v1/admin/tiers', 200)) },
    {
      name: 'PUT /v1/admin/tiers/{name}',
      run: async (turn) => void (await ask(admin, 'PUT', `/v1/admin/tiers/new${turn}`, 201, { body: limits })),
    },
    {
      name: 'DELETE /v1/admin/tiers/{name}',
      run: async (turn) => void (await ask(admin, 'DELETE', `/v1/admin/tiers/new${turn}`, 204)),
    },
    {
      name: 'DELETE /v1/admin/users/{id}',
      run: async () => {
        const { id } = await getUser(chores.db, { email: `user${nextToGo++}@example.com` });
        await ask(admin, 'DELETE', `/v1/admin/users/${id}`, 204);
      },
    },
  ];
}
