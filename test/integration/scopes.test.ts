import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { allows, type Scope, SCOPES } from '../../src/domain/scope.ts';
import { startService } from '../support/service.ts';

const { base, request } = await startService();

interface Document {
  paths: Record<string, Record<string, { security: { key: Scope[] }[] }>>;
}
const { paths } = (await (await request('/openapi.json', { key: null })).json()) as Document;
const all = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    // Of nothing that is there: what is let through shall do no harm.
    path: path.replace('{id}', '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25').replace('{name}', 'nothing'),
    scopes: security.flatMap(({ key }) => key),
  })),
);
/** They need no key: the path is what lets in. */
const OPEN = ['GET /v1/links/{token}'];
const routes = all.filter(({ name }) => !OPEN.includes(name));

/** Every scope alone, every two, and every set of all but one: what more there can be adds nothing. */
const sets = Array.from({ length: 2 ** SCOPES.length - 1 }, (_, index) =>
  SCOPES.filter((__, bit) => ((index + 1) >> bit) & 1),
).filter(({ length }) => length <= 2 || length === SCOPES.length - 1);
const keys = await Promise.all(
  sets.map(async (scopes) => ({
    scopes,
    key: (await createKey(base.db, { email: 'ann@example.com', tier: 'unlimited', scopes })).key,
  })),
);

describe('every route', () => {
  it('needs one scope', () => {
    expect(routes.length).toBeGreaterThan(15);
    expect(routes.filter(({ scopes }) => scopes.length !== 1)).toEqual([]);
    expect(all.filter(({ scopes }) => scopes.length === 0).map(({ name }) => name)).toEqual(OPEN);
  });

  it.each(routes)(
    'refuses a key that lacks its scope, and no other: $name',
    async ({ method, path, scopes: [needed] }) => {
      for (const { key, scopes } of keys) {
        const response = await request(path, {
          method,
          key,
          ...(method === 'POST' || method === 'PUT' ? { body: '{}' } : {}),
        });
        const problem =
          response.status >= 400 ? ((await response.json()) as { code: string; detail: string }) : undefined;
        if (!problem) await response.body?.cancel(); // a stream may go on
        if (needed !== undefined && allows(scopes, needed)) {
          expect([200, 201, 400, 404], `with ${scopes.join(', ')}`).toContain(response.status);
          continue;
        }
        expect(response.status, `with ${scopes.join(', ')}`).toBe(403);
        expect(problem).toMatchObject({
          code: 'missing_scope',
          detail: `Authorization: this needs a key with the scope ${needed}; the key has ${scopes.join(', ')}`,
        });
        expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/);
      }
    },
  );

  it('answers 401, not 403, without a key', async () => {
    for (const { method, path } of routes) expect((await request(path, { method, key: null })).status).toBe(401);
  });
});
