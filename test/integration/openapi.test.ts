import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../src/http/schemas.ts';
import { problemSchema } from '../../src/http/problem.ts';
import { ERROR_CODES, type ErrorCode } from '../../src/kernel/errors.ts';
import { startService } from '../support/service.ts';

const { request } = await startService();
interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
  security: { key: string[] }[];
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: { parameters: { name: string; in: string }[]; requestBody: object } }>;
  components: { schemas: Record<string, { properties: Record<string, unknown>; additionalProperties?: boolean }> };
}
const text = await (await request('/openapi.json', { key: null })).text();
const document = JSON.parse(text) as Document;

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and describes every verb, and the scope it needs', () => {
    expect(document.openapi).toBe('3.1.0');
    const verbs = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => [`${method} ${path}`, security[0]?.key.join(' ')]),
    );
    expect(Object.fromEntries(verbs)).toEqual({
      'delete /v1/admin/keys/{id}': 'admin',
      'delete /v1/admin/tiers/{name}': 'admin',
      'delete /v1/admin/users/{id}': 'admin',
      'delete /v1/admin/users/{id}/limits': 'admin',
      'delete /v1/jobs/{id}': 'jobs:write',
      'delete /v1/jobs/{id}/pdf': 'jobs:write',
      'get /v1/admin/audit': 'admin',
      'get /v1/admin/jobs': 'console:read',
      'get /v1/admin/jobs/{id}': 'console:read',
      'get /v1/admin/keys': 'admin',
      'get /v1/admin/queue': 'admin',
      'get /v1/admin/pauses': 'console:read',
      'put /v1/admin/pauses/{target}': 'operator',
      'delete /v1/admin/pauses/{target}': 'operator',
      'post /v1/admin/actions': 'operator',
      'get /v1/admin/actions': 'console:read',
      'get /v1/admin/actions/{id}': 'console:read',
      'delete /v1/admin/actions/{id}': 'operator',
      'get /v1/admin/tiers': 'admin',
      'get /v1/admin/users': 'admin',
      'get /v1/admin/users/{id}': 'admin',
      'get /v1/assets/{id}': 'jobs:read',
      'get /v1/batches': 'jobs:read',
      'get /v1/batches/{id}': 'jobs:read',
      'delete /v1/batches/{id}': 'jobs:write',
      'get /v1/batches/{id}/items': 'jobs:read',
      'get /v1/batches/{id}/pdf': 'jobs:read',
      'get /v1/batches/{id}/zip': 'jobs:read',
      'get /v1/events': 'jobs:read',
      'get /v1/jobs': 'jobs:read',
      'get /v1/jobs/{id}': 'jobs:read',
      'get /v1/jobs/{id}/deliveries': 'jobs:read',
      'post /v1/batches': 'jobs:write',
      'post /v1/batches/{id}/retry': 'jobs:write',
      'post /v1/jobs/{id}/deliveries/{deliveryId}/replay': 'jobs:write',
      'get /v1/batches/{id}/deliveries': 'jobs:read',
      'post /v1/batches/{id}/deliveries/{deliveryId}/replay': 'jobs:write',
      'get /v1/schedules': 'jobs:read',
      'get /v1/schedules/{name}': 'jobs:read',
      'get /v1/schedules/{name}/runs': 'jobs:read',
      'put /v1/schedules/{name}': 'jobs:write',
      'post /v1/schedules/{name}/run': 'jobs:write',
      'delete /v1/schedules/{name}': 'jobs:write',
      'get /v1/webhooks': 'jobs:read',
      'post /v1/webhooks': 'jobs:write',
      'get /v1/webhooks/secret': 'jobs:write',
      'post /v1/webhooks/secret/rotate': 'jobs:write',
      'get /v1/webhooks/{id}': 'jobs:read',
      'put /v1/webhooks/{id}': 'jobs:write',
      'delete /v1/webhooks/{id}': 'jobs:write',
      'get /v1/webhooks/{id}/deliveries': 'jobs:read',
      'post /v1/webhooks/{id}/deliveries/{deliveryId}/replay': 'jobs:write',
      'post /v1/webhooks/{id}/replay': 'jobs:write',
      'post /v1/webhooks/{id}/rotate': 'jobs:write',
      'post /v1/webhooks/{id}/test': 'jobs:write',
      'get /v1/jobs/{id}/files': 'jobs:read',
      'get /v1/jobs/{id}/files/{n}': 'jobs:read',
      'get /v1/jobs/{id}/pdf': 'jobs:read',
      'get /v1/jobs/{id}/picture': 'jobs:read',
      'delete /v1/jobs/{id}/links': 'jobs:write',
      'get /v1/links/{token}': undefined,
      'post /v1/jobs/{id}/link': 'jobs:write',
      'get /v1/usage': 'usage:read',
      'post /v1/admin/keys': 'admin',
      'post /v1/admin/keys/{id}/rotate': 'admin',
      'post /v1/admin/users': 'admin',
      'post /v1/jobs': 'jobs:write',
      'post /v1/jobs/{id}/retry': 'jobs:write',
      'post /v1/pdf': 'jobs:write',
      'get /v1/templates': 'jobs:read',
      'get /v1/templates/{name}': 'jobs:read',
      'get /v1/templates/{name}/versions': 'jobs:read',
      'delete /v1/templates/{name}': 'jobs:write',
      'post /v1/templates/{name}/preview': 'jobs:write',
      'put /v1/templates/{name}': 'jobs:write',
      'put /v1/admin/tiers/{name}': 'admin',
      'put /v1/admin/users/{id}/limits': 'admin',
      'put /v1/admin/users/{id}/subscription': 'admin',
      'put /v1/assets': 'jobs:write',
    });
  });

  it('points to nothing that is not there', () => {
    const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(Object.keys(document.components.schemas)).toContain(name);
  });

  it('knows every field of a request, and that others are refused', () => {
    const schema = document.components.schemas.PdfRequest;
    expect(Object.keys(schema?.properties ?? {}).toSorted()).toEqual([
      'addScriptTag',
      'addStyleTag',
      'authenticate',
      'bestAttempt',
      'cookies',
      'data',
      'emulateMediaFeatures',
      'emulateMediaType',
      'extraHTTPHeadersTo',
      'failOnConsoleError',
      'failOnResourceError',
      'failOnStatus',
      'filename',
      'files',
      'finishing',
      'gotoOptions',
      'html',
      'locale',
      'markdown',
      'markdownOptions',
      'metadata',
      'options',
      'output',
      'parts',
      'pdf',
      'priority',
      'rejectRequestPattern',
      'rejectResourceTypes',
      'retention',
      'runAt',
      'setExtraHTTPHeaders',
      'setJavaScriptEnabled',
      'singlePage',
      'split',
      'template',
      'timeoutMs',
      'timezone',
      'upload',
      'url',
      'userAgent',
      'viewport',
      'waitForFunction',
      'waitForSelector',
      'waitForTimeout',
      'webhook',
    ]);
    for (const name of [
      'PdfRequest',
      'NewKey',
      'NewUser',
      'Rotation',
      'Subscription',
      'TemplateContent',
      'TierLimits',
      'WebhookSettings',
    ])
      expect(document.components.schemas[name]?.additionalProperties).toBe(false);
  });

  it('describes what endpoints of users receive, with its headers', () => {
    const events = ['job.completed', 'job.failed', 'job.cancelled', 'batch.completed', 'webhook.test'];
    expect(Object.keys(document.webhooks)).toEqual(events);
    for (const [event, { post }] of Object.entries(document.webhooks)) {
      expect(post.parameters.map(({ name, in: where }) => `${where} ${name}`)).toEqual([
        'header webhook-id',
        'header webhook-timestamp',
        'header webhook-signature',
      ]);
      const payload = { webhook: 'TestEvent', batch: 'BatchEvent', job: 'JobEvent' }[event.split('.')[0] ?? ''] ?? '';
      const schema = { $ref: `#/components/schemas/${payload}` };
      expect(post.requestBody).toMatchObject({ content: { 'application/json': { schema } } });
      expect(document.components.schemas[payload]?.properties).toHaveProperty('data');
    }
  });

  it('names every operation once', () => {
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('names for POST /v1/pdf everything that a document can fail with', () => {
    const { responses } = document.paths['/v1/pdf']?.['post'] ?? {};
    const named = [...JSON.stringify(responses?.['422']).matchAll(/`(\w+)`/g)].map(([, code]) => code);
    const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => ERROR_CODES[code].status === 422);
    expect(new Set(named)).toEqual(new Set(codes));
  });

  it('names the zip where there is one, and only there', () => {
    const zipped = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { responses }]) => JSON.stringify(responses['200'] ?? '').includes('application/zip'))
        .map(([method]) => `${method} ${path}`),
    );
    expect(zipped.sort()).toEqual([
      'get /v1/batches/{id}/zip',
      'get /v1/jobs/{id}/pdf',
      'post /v1/pdf',
      'post /v1/templates/{name}/preview',
    ]);
  });

  it('has a name for what a request consists of, which the page shows with all its fields', async () => {
    const { PdfRequest, ...named } = document.components.schemas;
    expect(Object.keys(named)).toEqual(
      expect.arrayContaining(['Part', 'Finishing', 'Layer', 'Split', 'OutputSettings']),
    );
    const refs = ['finishing', 'split', 'output'].map((name) => PdfRequest?.properties[name]);
    expect(refs).toEqual(
      ['Finishing', 'Split', 'OutputSettings'].map((name) => ({ $ref: `#/components/schemas/${name}` })),
    );
    const page = await (await request('/docs', { key: null })).text();
    for (const field of [
      'overlay',
      'rotate[].angle',
      'encrypt.permissions.print',
      'children',
      'every',
      'at',
      'clip.width',
    ])
      // prettier-ignore
      expect(page).toContain(`<code>${field}</code>`);
  });

  it('tells the truth about what is answered', async () => {
    const created = await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
    expect(jobSchema.strict().safeParse(await created.json()).error).toBeUndefined();
    const refused = await request('/v1/jobs', { method: 'POST', body: '{}' });
    expect(problemSchema.strict().safeParse(await refused.json()).error).toBeUndefined();
  });
});

describe('/docs/moving.md', () => {
  it('is the page that errors name', async () => {
    const response = await request('/docs/moving.md', { key: null });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/plain; ?charset=utf-8$/i),
    ]);
    expect(await response.text()).toMatch(/^# Moving here/);
  });
});

describe('/docs', () => {
  it('shows every verb, every field and every error, without a script', async () => {
    const response = await request('/docs', { key: null });
    const page = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)/);
    for (const field of ['margin', 'selector', 'sameSite', 'failOnStatus'])
      expect(page).toContain(`<code>${field}</code>`);
    for (const name of ['PdfOptions', 'WaitForSelector', 'Cookie', 'ErrorCode'])
      expect(page).toContain(`<section id="${name}">`);
    for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`id="${code}"`);
    expect((await request('/', { key: null, redirect: 'manual' })).headers.get('location')).toBe('/docs');
  });
});

describe('the answers that /openapi.json describes', () => {
  it('name the headers that are sent, and JSON files as any JSON', async () => {
    interface Described {
      headers?: Record<string, { required?: boolean }>;
      content?: Record<string, { schema: object }>;
    }
    const described = (path: string, method: string, status: number | string) =>
      document.paths[path]?.[method]?.responses[status] as Described;
    const told = ['Location', 'X-Job-Id', 'ETag', 'Retry-After'];
    const put = await request('/v1/assets', { method: 'PUT', body: 'x', headers: { 'Content-Type': 'text/plain' } });
    const { id } = (await put.json()) as { id: string };
    const body = JSON.stringify({ html: 'x' });
    const none = { Prefer: 'wait=0', 'Idempotency-Key': 'headers' };
    const cases: [string, string, RequestInit & { path?: string }, string[]][] = [
      ['/v1/jobs', 'post', { body }, ['Location']],
      ['/v1/pdf', 'post', { body, headers: none }, ['Location', 'X-Job-Id']],
      ['/v1/jobs', 'post', { body, headers: { 'Idempotency-Key': 'headers' } }, ['Location']],
      ['/v1/batches', 'post', { body: `{"request":{},"items":[${body}]}` }, ['Location']],
      ['/v1/webhooks', 'post', { body: '{"url":"https://hooks.example.com/"}' }, ['Location']],
      ['/v1/assets/{id}', 'get', { path: `/v1/assets/${id}` }, ['ETag']],
      ['/v1/assets/{id}', 'get', { path: `/v1/assets/${id}`, headers: { 'If-None-Match': `"${id}"` } }, ['ETag']],
    ];
    for (const [path, method, { path: at = path, ...init }, expected] of cases) {
      const { status, headers } = await request(at, { method: method.toUpperCase(), ...init });
      expect([path, status, told.filter((name) => headers.has(name))]).toEqual([path, status, expected]);
      expect([path, status, Object.keys(described(path, method, status)?.headers ?? {})]).toEqual([path, status, expected]); // prettier-ignore
    }
    for (const status of [429, 503])
      expect(described('/v1/usage', 'get', status).headers).toHaveProperty('Retry-After');
    for (const status of [422, 500]) expect(described('/v1/pdf', 'post', status).headers).toHaveProperty('X-Job-Id');
    for (const status of [200, 206, 304])
      expect(described('/v1/jobs/{id}/pdf', 'get', status).headers).toHaveProperty('ETag');
    expect(Object.keys(described('/v1/links/{token}', 'get', 200).headers ?? {})).toEqual(['ETag']);
    expect(described('/v1/pdf', 'post', 200).content?.['application/json']?.schema).toEqual({});
    expect(described('/v1/pdf', 'post', 200).content?.['application/pdf']?.schema).toMatchObject({ format: 'binary' });
  });
});
