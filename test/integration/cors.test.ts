import { describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';

const database = await createDatabase();
const { request: requestClosed } = await startService({ database });
const APP = 'https://app.example.com';
const { request } = await startService({ env: { CORS_ORIGINS: `${APP}, http://localhost:8080` } });

const allowed = (response: Response) => response.headers.get('access-control-allow-origin');
const preflight = (path: string, origin: string, method = 'POST') =>
  request(path, {
    key: null,
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
    },
  });

describe('scripts of other origins', () => {
  it('are not let in unless CORS_ORIGINS names them', async () => {
    expect(allowed(await requestClosed('/v1/jobs', { headers: { Origin: APP } }))).toBeNull();
    const answer = await requestClosed('/v1/jobs', { key: null, method: 'OPTIONS', headers: { Origin: APP } });
    expect([answer.status, allowed(answer)]).toEqual([405, null]);
    expect(allowed(await request('/v1/jobs', { headers: { Origin: 'https://evil.example' } }))).toBeNull();
    expect(allowed(await preflight('/v1/pdf', 'https://app.example.com.evil.example'))).toBeNull();
  });

  it.each([APP, 'http://localhost:8080'])(
    'of %s may call every route of users, and read its errors',
    async (origin) => {
      const answer = await preflight('/v1/pdf', origin);
      expect([answer.status, allowed(answer)]).toEqual([204, origin]);
      expect(answer.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      const [, paths] = await Promise.all([
        preflight('/v1/assets', origin, 'PUT'),
        request('/v1/jobs/x', { headers: { Origin: origin } }),
      ]);
      expect([paths.status, allowed(paths)]).toEqual([404, origin]);
      expect(paths.headers.get('access-control-expose-headers')).toMatch(/x-request-id/i);
      expect(allowed(await request('/v1/jobs', { key: 'pdf_wrong', headers: { Origin: origin } }))).toBe(origin);
    },
  );

  it('never reach the console, which has a session', async () => {
    expect(allowed(await request('/console/sign-in', { key: null, headers: { Origin: APP } }))).toBeNull();
  });

  it.each(['app.example.com', 'https://app.example.com/path', 'https://a.example,', 'null'])(
    'are not named by %s',
    async (CORS_ORIGINS) => {
      await expect(startService({ database, env: { CORS_ORIGINS } })).rejects.toMatchObject({
        message: expect.stringContaining('CORS_ORIGINS'),
      });
    },
  );
});
