import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { startService } from '../support/service.ts';

const COMPAT = 'gotenberg,browserless';
const withUser = await startService({ env: { COMPAT, COMPAT_USER: 'Ann@example.com' } });
const { address, key, base } = await startService({ env: { COMPAT } });
const readOnly = (await createKey(base.db, { email: 'ann@example.com', tier: 'unlimited', scopes: ['jobs:read'] })).key;

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
/** Forms and JSON that are refused only by somebody who knows who asks. */
const ROUTES = [
  { path: '/forms/pdfengines/merge', body: () => new FormData() },
  { path: '/pdf', body: () => JSON.stringify({ url: 'ftp://a' }) },
];
const ask = async (at: string, path: string, body: BodyInit, headers: Record<string, string>) =>
  (await fetch(`${at}${path}`, { method: 'POST', body, headers: { ...(typeof body === 'string' && { 'Content-Type': 'application/json' }), ...headers } })).status; // prettier-ignore

describe.each(ROUTES)('POST $path', ({ path, body }) => {
  it.each<[string, Record<string, string>, number]>([
    ['Bearer', { Authorization: `Bearer ${key}` }, 400],
    ['bearer', { Authorization: `bearer ${key}` }, 400],
    ['the password of Basic', { Authorization: basic(`anybody:${key}`) }, 400],
    ['the name of Basic', { Authorization: basic(`${key}:`) }, 400],
    ['X-Api-Key', { 'X-Api-Key': key }, 400],
    ['nothing', {}, 401],
    ['a wrong key', { Authorization: 'Bearer pdf_wrong' }, 401],
    ['a wrong password', { Authorization: basic('a:b') }, 401],
    ['another scheme', { Authorization: `Token ${key}` }, 401],
    ['a scheme alone', { Authorization: 'Bearer' }, 401],
    ['a key that may only read', { Authorization: `Bearer ${readOnly}` }, 403],
    ['a password that a page of another site has a browser send', { Authorization: basic(`a:${key}`), 'Sec-Fetch-Site': 'cross-site' }, 401],
    ['a key that a script sends from another site', { 'X-Api-Key': key, 'Sec-Fetch-Site': 'cross-site' }, 400],
  ])('with %s', async (_, headers, status) => {
    expect(await ask(address, path, body(), headers)).toBe(status);
  }); // prettier-ignore

  it('takes a key as ?token=, and logs it nowhere', async () => {
    expect(await ask(address, `${path}?token=${key}`, body(), {})).toBe(400);
    expect(await ask(address, `${path}?token=pdf_wrong`, body(), {})).toBe(401);
  });

  it.each<[string, Record<string, string>, number]>([
    ['nothing', {}, 400],
    ['a key', { 'X-Api-Key': withUser.key }, 400],
    ['a wrong key', { 'X-Api-Key': 'pdf_wrong' }, 401],
    ['another scheme', { Authorization: 'Digest x' }, 401],
    ['nothing, from a page of another site', { 'Sec-Fetch-Site': 'cross-site' }, 401],
  ])('with COMPAT_USER and %s', async (_, headers, status) => {
    expect(await ask(withUser.address, path, body(), headers)).toBe(status);
  });
});

describe('COMPAT_USER', () => {
  it('is for the routes of other services only', async () => {
    for (const path of ['/v1/jobs', '/v1/usage', '/v1/admin/users', '/mcp'])
      expect((await fetch(`${withUser.address}${path}`, { method: 'GET' })).status).toBe(401);
  });

  it('is nobody if there is no such user', async () => {
    const { address: other } = await startService({ env: { COMPAT, COMPAT_USER: 'nobody@example.com' } });
    expect(await ask(other, '/forms/pdfengines/merge', new FormData(), {})).toBe(401);
  });
});
