import { beforeAll, describe, expect, it } from 'vitest';
import { createKey, revokeKey } from '../../src/accounts/keys.ts';
import { cookieOf, createAdminKey, visitor } from '../support/console.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { address, base, sql, request } = service;

/** Somebody who is signed in to the studio with this key. */
async function signIn(key: string) {
  const cookie = cookieOf(await visitor(address).post('/studio/sign-in', { key }));
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = { origin: address }) =>
    fetch(`${address}/studio${path}`, {
      method,
      headers: { cookie, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
    });
  return { ...visitor(address, cookie), cookie, call };
}

const annKey = await service.newKey('ann@a.example');
const bobKey = await service.newKey('bob@b.example');
const admin = await createAdminKey(service);
const [ann, bob] = [await signIn(annKey), await signIn(bobKey)];
const nobody = visitor(address);

const secret = 'of ann alone';
const content = { files: { 'index.html': { text: `<p>${secret}</p>` }, 'style.css': { text: `/* ${secret} */` } } };
let assetId = '';
let jobId = '';

beforeAll(async () => {
  const saved = await ann.call('PUT', '/v1/templates/invoice', content);
  if (saved.status !== 201) throw new Error(`PUT of a template answered ${saved.status}`);
  assetId = ((await saved.json()) as { files: Record<string, { id: string }> }).files['index.html']?.id ?? '';
  const submitted = await request('/v1/jobs', { method: 'POST', key: annKey, body: '{"template":"invoice"}' });
  jobId = ((await submitted.json()) as { id: string }).id;
});

const READS = () => [
  '/v1/templates/invoice',
  '/v1/templates/invoice@1',
  '/v1/templates/invoice/versions',
  `/v1/assets/${assetId}`,
  `/v1/jobs/${jobId}`,
];
const everything = async () =>
  JSON.stringify([
    await sql`select * from pdfprompt_template order by id`,
    await sql`select * from pdfprompt_template_version order by id`,
    await sql`select id from pdfprompt_job order by id`,
  ]);

describe('signing in', () => {
  it('takes a key without admin, which does not open the console', async () => {
    expect((await ann.get('/studio')).status).toBe(200);
    expect((await ann.get('/console')).headers.get('location')).toBe('/console/sign-in');
    expect((await ann.get(`/console/jobs/${jobId}`)).status).toBe(303);
    expect((await ann.post(`/console/jobs/${jobId}/cancel`)).headers.get('location')).toBe('/console/sign-in');
  });

  it("takes the console's session too, as the user of its key", async () => {
    const response = await nobody.post('/console/sign-in', { key: admin.key });
    const operator = visitor(address, cookieOf(response));
    expect((await operator.get('/studio')).status).toBe(200);
    const list = (await (await operator.get('/studio/v1/templates')).json()) as { data: unknown[] };
    expect(list.data).toEqual([]);
    expect((await operator.get('/studio/v1/templates/invoice')).status).toBe(404);
    expect(await (await ann.get('/studio')).text()).not.toContain('href="/console"');
    expect(await (await operator.get('/studio')).text()).toContain('href="/console"');
  });

  it('refuses a key that may not both read and write, and says why', async () => {
    for (const scopes of [['jobs:read'], ['jobs:write'], ['usage:read']] as const) {
      const { key } = await createKey(base.db, { email: 'half@example.com', tier: 'system', scopes: [...scopes] });
      const response = await nobody.post('/studio/sign-in', { key });
      expect([response.status, cookieOf(response)]).toEqual([403, '']);
      expect(await response.text()).toContain('The studio needs both');
    }
  });

  it('leads back to where one came from, and nowhere else', async () => {
    const path = '/studio/templates/a.b-c_1?starter=letter';
    const refused = await nobody.get(path);
    const location = new URL(refused.headers.get('location') ?? '', address);
    expect([location.pathname, location.searchParams.get('from')]).toEqual(['/studio/sign-in', path]);
    const back = await nobody.post('/studio/sign-in', { key: annKey, from: path });
    expect([back.status, back.headers.get('location')]).toEqual([303, path]);
    for (const from of [
      'https://evil.example/',
      '//evil.example',
      '/studio/../v1',
      '/studio\\x',
      '/studiox',
      '/console',
    ])
      expect((await nobody.post('/studio/sign-in', { key: annKey, from })).headers.get('location')).toBe('/studio');
  });

  it('ends with the key, and by signing out', async () => {
    const { id, key } = await createKey(base.db, { email: 'ann@a.example' });
    const revoked = await signIn(key);
    await revokeKey(base.db, id);
    expect([(await revoked.get('/studio')).status, (await revoked.get('/studio/v1/templates')).status]).toEqual([
      303, 401,
    ]);

    const left = await signIn(annKey);
    const response = await left.post('/studio/sign-out');
    expect(response.headers.getSetCookie().map((cookie) => /Path=(\S+)/.exec(cookie)?.[1])).toEqual([
      '/console',
      '/studio',
    ]);
    expect((await left.get('/studio')).status).toBe(303);
  });

  it('is in the log', () => {
    const lines = service.lines.filter((line) => line.includes('"studio visited"')).join('');
    for (const what of ['signed in', 'refused', 'signed out']) expect(lines).toContain(`"what":"${what}"`);
  });
});

describe('without a session', () => {
  it('nothing is read and nothing is done', async () => {
    const before = await everything();
    const stranger = visitor(address, `pdfprompt_console=${'x'.repeat(43)}`);
    for (const path of READS()) {
      for (const who of [nobody, stranger]) {
        const response = await who.get(`/studio${path}`);
        expect([path, response.status]).toEqual([path, 401]);
        expect(await response.text()).not.toContain(secret);
      }
    }
    for (const method of ['PUT', 'DELETE', 'POST']) {
      const response = await fetch(`${address}/studio/v1/templates/invoice`, { method, headers: { origin: address } });
      expect(response.status).toBe(401);
    }
    expect(await everything()).toBe(before);
  });

  it('a key is not enough: the studio knows sessions only, and the API no sessions', async () => {
    const response = await request('/studio/v1/templates', { key: annKey });
    expect(response.status).toBe(401);
    expect((await fetch(`${address}/v1/templates`, { headers: { cookie: ann.cookie } })).status).toBe(401);
  });
});

describe("another user's workbench", () => {
  it('shows nothing, whatever is guessed', async () => {
    for (const path of READS()) {
      const own = await ann.get(`/studio${path}`);
      expect([path, own.status]).toEqual([path, 200]);
      const response = await bob.get(`/studio${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.text()).not.toContain(secret);
    }
    expect((await bob.get(`/studio/v1/jobs/${jobId}/pdf`)).status).toBe(404);
    expect(await (await bob.get('/studio/v1/templates')).json()).toEqual({ data: [], nextCursor: null });
    const page = await (await bob.get('/studio/templates/invoice')).text();
    expect(page).toContain('There is no template invoice');
    expect(page).not.toContain('data-saved');
    expect(await (await ann.get('/studio/templates/invoice')).text()).toContain('data-saved');
  });

  it('offers to create a template that is not there, and opens one that is begun', async () => {
    const missing = await bob.get('/studio/templates/nosuch');
    expect(missing.status).toBe(404);
    const page = await missing.text();
    expect(page).toContain('<h1>There is no template nosuch</h1>');
    expect([page.includes('Create</button>'), page.includes('Delete')]).toEqual([true, false]);
    const begun = await bob.get('/studio/templates/nosuch?starter=blank');
    expect([begun.status, (await begun.text()).includes('id="bench"')]).toEqual([200, true]);
  });

  it('changes nothing, whatever is guessed', async () => {
    const before = JSON.stringify(await (await ann.get('/studio/v1/templates/invoice')).json());
    expect((await bob.call('DELETE', '/v1/templates/invoice')).status).toBe(404);
    const stolen = await bob.call('PUT', '/v1/templates/invoice', { files: { 'index.html': assetId } });
    expect(stolen.status).toBe(400);
    const preview = await bob.call('POST', '/v1/templates/invoice/preview', { files: { 'index.html': assetId } });
    expect(preview.status).toBe(400);
    expect((await bob.call('POST', '/v1/pdf', { template: 'invoice' })).status).toBe(400);

    const own = await bob.call('PUT', '/v1/templates/invoice', { files: { 'index.html': { text: 'of bob' } } });
    expect([own.status, await own.json()]).toMatchObject([201, { version: 1 }]);
    expect((await bob.call('DELETE', '/v1/templates/invoice')).status).toBe(204);
    expect(JSON.stringify(await (await ann.get('/studio/v1/templates/invoice')).json())).toBe(before);
  });

  it('is not in the browser either, when somebody else signs in there', async () => {
    for (const path of READS())
      expect([path, (await ann.get(`/studio${path}`)).headers.get('cache-control')]).toEqual([path, 'no-store']);
  });
});

describe('a file of a template', () => {
  it('is no page of the studio, whatever is in it', async () => {
    const { headers } = await ann.get(`/studio/v1/assets/${assetId}`);
    expect(headers.get('content-type')).toMatch(/^text\/html/);
    expect(headers.get('content-disposition')).toMatch(/^attachment/);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });
});

describe('what other pages send', () => {
  it.each<[string, Record<string, string>]>([
    ['without an origin', {}],
    ['of another origin', { origin: 'https://evil.example' }],
    ['of a page elsewhere', { origin: address, 'sec-fetch-site': 'cross-site' }],
  ])('is refused %s', async (_, headers) => {
    const before = await everything();
    for (const [method, path, body] of [
      ['PUT', '/v1/templates/invoice', { files: { 'index.html': { text: 'x' } } }],
      ['DELETE', '/v1/templates/invoice', undefined],
      ['POST', '/v1/templates/invoice/preview', {}],
      ['POST', '/v1/pdf', { html: 'x' }],
    ] as const) {
      const response = await ann.call(method, path, body, headers);
      expect([method, path, response.status]).toEqual([method, path, 403]);
    }
    expect((await ann.post('/studio/sign-out', {}, headers)).status).toBe(403);
    expect(await everything()).toBe(before);
    expect((await ann.get('/studio')).status).toBe(200);
  });
});

describe('what the studio may do', () => {
  it('is what its pages need, and nothing of operators', async () => {
    const { paths } = (await (await fetch(`${address}/openapi.json`)).json()) as { paths: Record<string, object> };
    const open: string[] = [];
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) {
        const upper = method.toUpperCase();
        const target = path.replace('{name}', 'nothing').replaceAll(/\{\w+\}/g, '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25');
        const response = await ann.call(upper, target, upper === 'GET' || upper === 'DELETE' ? undefined : {});
        const { detail = '' } = (await response.json().catch(() => ({}))) as { detail?: string };
        if (!detail.startsWith('there is nothing at')) open.push(`${upper} ${path}`);
      }
    expect(open.sort()).toEqual(
      [
        'DELETE /v1/templates/{name}',
        'GET /v1/assets/{id}',
        'GET /v1/jobs/{id}',
        'GET /v1/jobs/{id}/pdf',
        'GET /v1/templates',
        'GET /v1/templates/{name}',
        'GET /v1/templates/{name}/versions',
        'POST /v1/pdf',
        'POST /v1/templates/{name}/preview',
        'PUT /v1/assets',
        'PUT /v1/templates/{name}',
      ].sort(),
    );
  });
});

describe('every page', () => {
  const PAGES = ['/studio', '/studio/templates/invoice', '/studio/templates/new?starter=blank', '/studio/nothing'];

  it('allows only what it needs', async () => {
    const nonces = new Set<string>();
    for (const path of PAGES) {
      const { headers } = await ann.get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'self' 'nonce-[\w+/=]{24}'; script-src 'self' 'sha256-[\w+/=]{44}'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      nonces.add(/'nonce-([^']+)'/.exec(policy)?.[1] ?? '');
      expect(headers.get('cache-control')).toBe('no-store');
      expect([headers.get('x-frame-options'), headers.get('referrer-policy')]).toEqual(['DENY', 'same-origin']);
    }
    expect(nonces.size).toBe(PAGES.length);
  });

  it('has nothing inline but the map of its modules', async () => {
    for (const path of PAGES) {
      const page = (await (await ann.get(path)).text()).replace(/<script type="importmap">[^<]*<\/script>/, '');
      expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=/);
    }
  });

  it('is an error for a name that can be no template', async () => {
    for (const name of ['-x', 'A', 'a@1', '%3Cscript%3E', 'a'.repeat(101)])
      expect((await ann.get(`/studio/templates/${name}`)).status).toBe(404);
    expect(await (await ann.get('/studio/templates/%3Cscript%3E')).text()).not.toContain('<script>');
  });
});

describe('the files of the pages', () => {
  const paths = async () => {
    const page = await (await ann.get('/studio/templates/invoice')).text();
    const { imports } = JSON.parse(/<script type="importmap">([^<]*)</.exec(page)?.[1] ?? '') as {
      imports: Record<string, string>;
    };
    const own = [...page.matchAll(/(?:href|src)="(\/studio\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    return { own, imports };
  };

  it('may be kept for ever, and are sent compressed', async () => {
    const { own, imports } = await paths();
    expect(own).toHaveLength(2);
    expect(Object.keys(imports).length).toBeGreaterThan(20);
    for (const path of [...own, ...Object.values(imports)]) {
      const { status, headers } = await nobody.get(path);
      expect([path, status, headers.get('cache-control'), headers.get('content-encoding')]).toEqual([
        path,
        200,
        'public, max-age=31536000, immutable',
        'gzip',
      ]);
    }
  });

  it('import only each other', async () => {
    const { own, imports } = await paths();
    const base = own[0]?.slice(0, own[0].lastIndexOf('/') + 1) ?? '';
    const scripts = new Set(own.filter((path) => path.endsWith('.js')));
    for (const path of scripts) {
      const source = await (await nobody.get(path)).text();
      for (const [, from, dynamic] of source.matchAll(/^(?:import |\} )[^;`]*?from '([^']+)';|import\('([^']+)'\)/gm)) {
        const target = from ?? dynamic ?? '';
        if (target.startsWith('./')) scripts.add(`${base}${target.slice(2)}`);
        else expect(Object.keys(imports)).toContain(target);
      }
    }
    for (const path of Object.values(imports)) {
      const source = await (await nobody.get(path)).text();
      for (const [, target = ''] of source.matchAll(/^(?:import|export) .*? from ['"]([^'"]+)['"]/gm))
        expect(Object.keys(imports), `${path} imports`).toContain(target);
    }
    expect(scripts.size).toBeGreaterThan(10);
    for (const path of scripts) expect([path, (await nobody.get(path)).status]).toEqual([path, 200]);
  });

  it('are no others', async () => {
    const { own } = await paths();
    const version = own[0]?.split('/')[3] ?? '';
    for (const path of [
      `/studio/assets/${version}/..%2fassets.ts`,
      `/studio/assets/${version}/constructor`,
      `/studio/modules/${version}/@codemirror/state/package.json`,
      `/studio/modules/${version}/..%2f..%2fhono.js`,
      `/studio/modules/${version}/hono.js`,
    ])
      expect([path, (await nobody.get(path)).status]).toEqual([path, 404]);
    const old = await nobody.get('/studio/assets/000000000000/studio.css');
    expect([old.status, old.headers.get('cache-control')]).toEqual([200, 'no-store']);
  });
});
