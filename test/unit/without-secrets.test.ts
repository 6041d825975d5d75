import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/domain/without-secrets.ts';

const SECRET = 's3cr3t';

describe('a request without secrets', () => {
  it.each([
    ['a cookie', { cookies: [{ name: 'kept', value: SECRET, domain: 'kept.example' }] }],
    ['the address of a cookie', { cookies: [{ name: 'kept', value: '', url: `https://kept.example/a?t=${SECRET}` }] }],
    ['a header', { setExtraHTTPHeaders: { kept: SECRET } }],
    ['a login', { kept: 1, authenticate: { username: SECRET, password: SECRET } }],
    ['the password of a PDF', { pdf: { file: 'kept', password: SECRET } }],
    ['the password of a part', { parts: [{ kept: 1, pdf: { password: SECRET } }] }],
    ['passwords of the result', { finishing: { encrypt: { kept: 1, userPassword: SECRET, ownerPassword: SECRET } } }],
    ['the query of an address', { url: `https://kept.example/a?token=${SECRET}` }],
    ['the fragment of an address', { url: `https://kept.example/a#${SECRET}` }],
    ['the user of an address', { url: `https://${SECRET}:${SECRET}@kept.example/a` }],
    ['the address of a script', { addScriptTag: [{ url: `https://kept.example/a.js?${SECRET}` }] }],
    ['an upload', { upload: { url: `https://kept.example/?sig=${SECRET}`, headers: { kept: SECRET } } }],
    ['a webhook', { webhook: `HTTPS://kept.example/a?key=${SECRET}` }],
    ['an unknown field', { kept: { apiKey: SECRET, api_token: [SECRET], clientSecret: { a: SECRET } } }],
  ])('lacks %s, and keeps the rest', (_, request) => {
    const shown = JSON.stringify(withoutSecrets(request));
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain('kept');
    expect(shown).toContain('(hidden)');
  });

  it.each([
    ['a document', { html: '<p>https://a.example/?a=1 password</p>' }],
    ['data', { template: 'invoice@7', data: { password: 'shown', url: 'https://a.example/?a=1' } }],
    [
      'what is no secret',
      { options: { format: 'A4' }, timeoutMs: 1_000, url: 'https://a.example/b', waitForFunction: { fn: 'token' } },
    ],
    ['nothing', { authenticate: undefined, cookies: undefined, cookie: null }],
  ])('has %s as it was', (_, request) => expect(withoutSecrets(request)).toEqual(request));
});
