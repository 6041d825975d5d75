import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { createdKeySchema, keySchema, rotatedKeySchema, userSchema } from '../../src/http/schemas.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { key: admin } = await createKey(service.base.db, {
  email: 'root@example.com',
  tier: 'system',
  scopes: ['admin', 'jobs:read'],
});
const unknown = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';

interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever is answered
  body: any;
}
async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await service.request(`/v1/admin${path}`, {
    method,
    key: admin,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

describe('the admin API', () => {
  it('makes a user, finds it, and puts it on another tier', async () => {
    const made = await ask('POST', '/users', { email: 'Bob@Example.com', tier: 'professional' });
    expect(made.status).toBe(201);
    expect(userSchema.strict().parse(made.body)).toMatchObject({ email: 'bob@example.com', tier: 'professional' });
    expect(made.headers.get('location')).toBe(`/v1/admin/users/${made.body.id}`);
    expect((await ask('GET', `/users/${made.body.id}`)).body).toEqual(made.body);
    expect(await ask('POST', '/users', { email: 'bob@example.com' })).toMatchObject({
      status: 409,
      body: { code: 'user_exists' },
    });
    const moved = await ask('PUT', `/users/${made.body.id}/subscription`, { tier: 'enterprise' });
    expect(moved).toMatchObject({ status: 200, body: { ...made.body, tier: 'enterprise' } });
    const page = await ask('GET', '/users?limit=1');
    expect(page.body.data).toHaveLength(1);
    const rest = await ask('GET', `/users?cursor=${page.body.nextCursor}`);
    expect([...page.body.data, ...rest.body.data].map(({ email }: { email: string }) => email)).toEqual([
      'ann@example.com',
      'root@example.com',
      'bob@example.com',
    ]);
    expect(rest.body.nextCursor).toBeNull();
  });

  it('makes a key that works, rotates it, and ends it', async () => {
    const made = await ask('POST', '/keys', { email: 'eve@example.com', scopes: ['jobs:read'] });
    expect(made.status).toBe(201);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(createdKeySchema.strict().parse(made.body)).toMatchObject({ user: 'eve@example.com', tier: 'starter' });
    const statusOf = async (key: string) => (await service.request('/v1/jobs', { key })).status;
    expect(await statusOf(made.body.key)).toBe(200);

    const rotated = await ask('POST', `/keys/${made.body.id}/rotate`);
    expect(rotated.status).toBe(201);
    expect(rotated.headers.get('cache-control')).toBe('no-store');
    expect(rotatedKeySchema.strict().parse(rotated.body).replaces).toBe(made.body.id);
    expect([await statusOf(made.body.key), await statusOf(rotated.body.key)]).toEqual([200, 200]);
    expect(await ask('POST', `/keys/${made.body.id}/rotate`, { graceSeconds: 0 })).toMatchObject({
      status: 409,
      body: { code: 'key_not_rotatable' },
    });

    const ended = await ask('DELETE', `/keys/${rotated.body.id}`);
    expect(keySchema.strict().parse(ended.body).revokedAt).not.toBeNull();
    expect((await ask('DELETE', `/keys/${rotated.body.id}`)).body).toEqual(ended.body);
    expect([await statusOf(made.body.key), await statusOf(rotated.body.key)]).toEqual([200, 401]);
    const list = await ask('GET', '/keys?email=eve@example.com');
    expect(list.body.data.map(({ id }: { id: string }) => id)).toEqual([made.body.id, rotated.body.id]);
    expect(JSON.stringify(list.body)).not.toContain(made.body.key);

    const log = service.lines.join('');
    expect(log).toContain('/v1/admin/keys');
    for (const key of [admin, made.body.key, rotated.body.key]) expect(log).not.toContain(key);
  });

  it('makes, changes and deletes a tier', async () => {
    const limits = { requestsPerMinute: 5, requestsPerDay: null, priority: 1 };
    expect(await ask('PUT', '/tiers/gold', limits)).toMatchObject({ status: 201, body: { name: 'gold', ...limits } });
    expect(await ask('PUT', '/tiers/gold', { ...limits, priority: 2 })).toMatchObject({
      status: 200,
      body: { priority: 2 },
    });
    expect((await ask('GET', '/tiers')).body.data).toContainEqual({
      name: 'gold',
      ...limits,
      priority: 2,
      retention: null,
    });
    await ask('POST', '/keys', { email: 'gil@example.com', tier: 'gold' });
    expect(await ask('DELETE', '/tiers/gold')).toMatchObject({ status: 409, body: { code: 'tier_in_use' } });
    await ask('POST', '/keys', { email: 'gil@example.com', tier: 'starter' });
    expect(await ask('DELETE', '/tiers/gold')).toMatchObject({ status: 204, body: undefined });
  });

  const bad: [string, string, unknown, number, string, object?][] = [
    ['GET', `/users/${unknown}`, undefined, 404, 'not_found'],
    ['GET', '/users/%00', undefined, 404, 'not_found'],
    ['GET', '/users?limit=101', undefined, 400, 'invalid_request', [{ field: 'limit' }]],
    [
      'GET',
      '/users?email=a@b.c',
      undefined,
      400,
      'invalid_request',
      [{ field: 'email', message: 'unknown field; allowed: limit, cursor' }],
    ],
    ['POST', '/users', { email: 7 }, 400, 'invalid_request', [{ field: 'email' }]],
    ['POST', '/users', { email: 'a\0@b.c' }, 400, 'invalid_request', [{ field: 'email' }]],
    ['POST', '/users', undefined, 415, 'unsupported_media_type'],
    ['POST', '/users', '{"email":', 400, 'invalid_json'],
    [
      'POST',
      '/users',
      { email: 'a@b.c', role: 'king' },
      400,
      'invalid_request',
      [{ field: 'role', message: 'unknown field; allowed: email, tier' }],
    ],
    ['PUT', `/users/${unknown}/subscription`, { tier: 'starter' }, 404, 'not_found'],
    ['GET', '/keys?email=ghost@example.com', undefined, 404, 'not_found'],
    ['GET', '/keys?email=%00@b.c', undefined, 400, 'invalid_request', [{ field: 'email' }]],
    ['GET', '/keys?cursor=1', undefined, 400, 'invalid_request', [{ field: 'cursor' }]],
    [
      'POST',
      '/keys',
      { email: 'a@b.c', scopes: ['root'], expiresAt: 'soon' },
      400,
      'invalid_request',
      [
        {
          field: 'scopes[0]',
          message:
            '"root" is not allowed; allowed: jobs:write, jobs:read, usage:read, console:read, console:documents, operator, admin',
        },
        { field: 'expiresAt' },
      ],
    ],
    ['POST', '/keys', { email: 'a@b.c', tier: 'x' }, 400, 'invalid_request', [{ field: 'tier' }]],
    ['POST', `/keys/${unknown}/rotate`, {}, 404, 'not_found'],
    ['POST', `/keys/${unknown}/rotate`, { graceSeconds: -1 }, 400, 'invalid_request', [{ field: 'graceSeconds' }]],
    ['POST', `/keys/${unknown}/rotate`, { grace: 1 }, 400, 'invalid_request', [{ field: 'grace' }]],
    ['DELETE', `/keys/${unknown}`, undefined, 404, 'not_found'],
    ['DELETE', '/keys/7', undefined, 404, 'not_found'],
    [
      'PUT',
      '/tiers/gold',
      { requestsPerMinute: 0, requestsPerDay: 1.5, priority: 4 },
      400,
      'invalid_request',
      [
        { field: 'requestsPerMinute', message: 'allowed: a whole number from 1 to 1000000000, or no limit' },
        { field: 'requestsPerDay' },
        { field: 'priority', message: 'allowed: 0 (low), 1 (medium), 2 (high) or 3 (critical)' },
      ],
    ],
    [
      'PUT',
      '/tiers/gold',
      { priority: 1 },
      400,
      'invalid_request',
      [{ field: 'requestsPerMinute' }, { field: 'requestsPerDay' }],
    ],
    [
      'PUT',
      '/tiers/Gold%00',
      { requestsPerMinute: 1, requestsPerDay: 1, priority: 1 },
      400,
      'invalid_request',
      [{ field: 'name' }],
    ],
    ['DELETE', '/tiers/%00', undefined, 404, 'not_found'],
    ['PUT', '/keys', {}, 405, 'method_not_allowed'],
  ];
  it.each(bad)('%s %s %j is answered %i %s', async (method, path, body, status, code, errors) => {
    const answer = await ask(method, path, body);
    expect(answer.body).toMatchObject({ code, status, ...(errors && { errors }) });
    expect(answer.status).toBe(status);
  });
});
