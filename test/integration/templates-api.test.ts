import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { removeUnusedAssets } from '../../src/assets/remove-unused-assets.ts';
import { removeDeletedVersions } from '../../src/templates/delete-template.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const bob = await service.newKey('bob@example.com');

const put = (name: string, body: object, key?: string) =>
  service.request(`/v1/templates/${name}`, { method: 'PUT', body: JSON.stringify(body), ...(key && { key }) });
const read = async (path: string, key?: string) => {
  const response = await service.request(`/v1/templates${path}`, key ? { key } : {});
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const submit = (body: object) => service.request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) });
const page = (text: string) => ({ files: { 'index.html': { text } } });

describe('PUT /v1/templates/{name}', () => {
  it('makes a version for each content that differs from the newest, and none for the same', async () => {
    const first = await put('invoice', page('one'));
    expect(first.status).toBe(201);
    expect(await first.json()).toMatchObject({ name: 'invoice', version: 1, files: { 'index.html': { size: 3 } } });
    const again = await put('invoice', page('one'));
    expect([again.status, ((await again.json()) as { version: number }).version]).toEqual([200, 1]);
    expect(((await (await put('invoice', page('two'))).json()) as { version: number }).version).toBe(2);
    // What an older version had is a change too.
    expect(((await (await put('invoice', page('one'))).json()) as { version: number }).version).toBe(3);
    const versions = (await read('/invoice/versions')).body.data as { version: number }[];
    expect(versions.map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  it('gives each of many that are saved at once a number of its own', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => put('busy', page(`text ${index}`))));
    const versions = await Promise.all(
      answers.map(async (each) => ((await each.json()) as { version: number }).version),
    );
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it.each([
    ['without a beginning', page('x'), { files: { 'a.html': { text: 'x' } } }, 'files', /index\.html/],
    ['with the setting of one document', page('x'), { request: { filename: 'a' } }, 'request.filename', /print settings/],
    ['with a setting that is not valid', page('x'), { request: { options: { scale: 9 } } }, 'request.options.scale', /allowed: 0\.1 to 2/],
    ['with an unknown setting', page('x'), { request: { optoins: {} } }, 'request.optoins', /did you mean options/],
    ['with a file outside', page('x'), { files: { '../a': { text: 'x' } } }, 'files["../a"]', /\.\./],
    ['with an asset of nobody', page('x'), { files: { 'index.html': 'a'.repeat(64) } }, 'files["index.html"]', /no such asset/],
  ])('is refused %s', async (_, good, bad, field, message) => {
    const answer = await put('refused', { ...good, ...bad });
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { field: string; message: string }[] };
    expect(errors).toContainEqual({ field, message: expect.stringMatching(message) as string });
  }); // prettier-ignore

  it('takes its description and its settings from template.json', async () => {
    const text = JSON.stringify({ description: 'For customers', request: { options: { format: 'A4' }, locale: 'de-DE' } });
    const answer = await put('settings', { files: { 'index.html': { text: 'x' }, 'template.json': { text } } });
    expect(await answer.json()).toMatchObject({
      description: 'For customers',
      request: { options: { format: 'A4' }, locale: 'de-DE' },
    });
    const broken = await put('settings', { files: { 'index.html': { text: 'x' }, 'template.json': { text: '{' } } });
    expect(await broken.json()).toMatchObject({ errors: [{ field: 'files["template.json"]' }] });
  }); // prettier-ignore
});

describe('a job with a template', () => {
  it('says the version that it prints, and is under the settings of the version', async () => {
    await put('letter', { ...page('x'), request: { options: { format: 'A5', scale: 0.5 }, timeoutMs: 5_000 } });
    await put('letter', { ...page('y'), request: {} });
    const pinned = await submit({ template: 'letter@1', data: { n: null }, options: { scale: 2 } });
    const job = (await pinned.json()) as { id: string; templates: string[] };
    expect(job.templates).toEqual(['letter@1']);
    const [row] = await service.base.db.execute<{ request: object; data: object; templates: string[] }>(sql`
      select request, data, templates from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id where j.id = ${job.id}`);
    expect(row).toMatchObject({
      request: { options: { format: 'A5', scale: 2, landscape: false }, timeoutMs: 5_000 },
      data: { name: 'letter@1', data: { n: null } },
    });
    const newest = (await (await submit({ template: 'letter' })).json()) as { templates: string[] };
    expect(newest.templates).toEqual(['letter@2']);
  });

  it.each([
    ['leter', /you have no template leter; did you mean letter\?/],
    ['letter@9', /letter has no version 9; the newest is letter@2/],
    ['Letter@x', /allowed: the name of a template/],
  ])('is refused for %s', async (template, message) => {
    const answer = await submit({ template });
    expect([answer.status, await answer.json()]).toMatchObject([400, { errors: [{ field: 'template' }] }]);
    expect(JSON.stringify(await (await submit({ template })).json())).toMatch(message);
  });
});

describe('DELETE /v1/templates/{name}', () => {
  it('ends all versions, gives no number twice, and keeps what an accepted job prints', async () => {
    await put('gone', page('one'));
    const job = (await (await submit({ template: 'gone' })).json()) as { id: string };
    expect((await service.request('/v1/templates/gone', { method: 'DELETE' })).status).toBe(204);
    expect((await service.request('/v1/templates/gone', { method: 'DELETE' })).status).toBe(404);
    expect((await read('/gone@1')).status).toBe(404);
    expect((await submit({ template: 'gone@1' })).status).toBe(400);
    expect(((await (await put('gone', page('two'))).json()) as { version: number }).version).toBe(2);
    expect((await read('/gone@1')).status).toBe(404);

    const kept = () => service.base.db.execute(sql`
      select 1 from pdfprompt_template_version v join pdfprompt_template t on t.id = v.template_id
      where t.name = 'gone' and v.version = 1`); // prettier-ignore
    await removeDeletedVersions(service.base.db);
    expect(await kept()).toHaveLength(1);
    await service.request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    await service.base.db.execute(sql`delete from pdfprompt_job where id = ${job.id}`);
    await removeDeletedVersions(service.base.db);
    expect(await kept()).toHaveLength(0);
  });
});

describe('a repeated Idempotency-Key', () => {
  it('gets its job, whatever became of its template, and however its files are sent', async () => {
    const withKey = (key: string, body: object) =>
      service.request('/v1/jobs', { method: 'POST', headers: { 'Idempotency-Key': key }, body: JSON.stringify(body) });
    const idOf = async (response: Response) => ((await response.json()) as { id: string }).id;
    await put('brief', page('one'));
    const first = await withKey('k1', { template: 'brief' });
    await service.request('/v1/templates/brief', { method: 'DELETE' });
    const again = await withKey('k1', { template: 'brief' });
    expect([again.status, await idOf(again)]).toEqual([200, await idOf(first)]);
    expect((await withKey('k2', { template: 'brief' })).status).toBe(400);

    const inline = await withKey('k3', page('the same file'));
    const { id } = (await (
      await service.request('/v1/assets', {
        method: 'PUT',
        headers: { 'Content-Type': 'text/html' },
        body: 'the same file',
      })
    ).json()) as { id: string };
    const byId = await withKey('k3', { files: { 'index.html': id } });
    expect([byId.status, await idOf(byId)]).toEqual([200, await idOf(inline)]);
    expect((await withKey('k3', page('another file'))).status).toBe(422);
  });
});

describe('files that nothing refers to', () => {
  it('go after a day; those of templates and of jobs stay', async () => {
    const text = (name: string) => ({ text: `kept by ${name}` });
    await put('keeper', { files: { 'index.html': text('a template') } });
    await submit({ files: { 'index.html': text('a job') } });
    await put('passing', { files: { 'index.html': text('nothing') } });
    await service.request('/v1/templates/passing', { method: 'DELETE' });
    await removeDeletedVersions(service.base.db);
    const sizes = async () => (await service.base.db.execute<{ size: number }>(sql`
      select distinct size::integer from pdfprompt_asset where size in (15, 18, 13) order by 1`)).map(({ size }) => size); // prettier-ignore
    expect(await sizes()).toEqual([13, 15, 18]);
    await removeUnusedAssets(service.base.db);
    expect(await sizes()).toEqual([13, 15, 18]);
    await service.base.db.execute(sql`update pdfprompt_asset set used_at = now() - interval '25 hours'`);
    await removeUnusedAssets(service.base.db);
    expect(await sizes()).toEqual([13, 18]);
  });
});

describe('templates of another tenant', () => {
  it('are not there', async () => {
    await put('mine', page('x'));
    for (const path of ['/mine', '/mine@1', '/mine/versions']) expect((await read(path, bob)).status).toBe(404);
    expect((await read('', bob)).body).toEqual({ data: [], nextCursor: null });
    const answer = await service.request('/v1/templates/mine', { method: 'DELETE', key: bob });
    expect(answer.status).toBe(404);
    // Nor are the files, though the hash is known.
    const { files } = (await read('/mine')).body as { files: Record<string, { id: string }> };
    const stolen = await put('stolen', { files: { 'index.html': files['index.html']?.id } }, bob);
    expect(stolen.status).toBe(400);
    const job = await service.request('/v1/jobs', {
      method: 'POST',
      key: bob,
      body: JSON.stringify({ files: { 'index.html': files['index.html']?.id } }),
    });
    expect(job.status).toBe(400);
  });
});
