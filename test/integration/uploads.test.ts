import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import type { CodedError } from '../../src/kernel/errors.ts';
import { UploadSpace } from '../../src/http/upload-space.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { zipOf } from '../support/zip-writer.ts';

const service = await startService({ env: { UPLOAD_MAX_MB: '4', UPLOAD_MAX_FILES: '20', ASSETS_MAX_MB: '12' } });
const { address, base, key, newKey, sql, underWay } = service;
const MEGABYTE = 1024 * 1024;
const OCTETS = 'application/octet-stream';
const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');
/** Folders of this process with what is sent. */
const foldersLeft = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`pdfprompt-uploads-${process.pid}-`));

interface Part {
  name: string;
  content: string | Uint8Array;
  filename?: string;
  type?: string;
}

const BOUNDARY = 'x-x-x';
const line = (text: string) => Buffer.from(`${text}\r\n`);
/** As programs write it; a part's headers may be given as they are. */
function form(parts: (Part | { headers: string[]; content: string })[]): Buffer {
  const written = parts.flatMap((part) => {
    const headers =
      'headers' in part
        ? part.headers
        : [
            `Content-Disposition: form-data; name="${part.name}"${part.filename === undefined ? '' : `; filename="${part.filename}"`}`,
            ...(part.type === undefined ? [] : [`Content-Type: ${part.type}`]),
          ];
    return [line(`--${BOUNDARY}`), ...headers.map(line), line(''), Buffer.from(part.content as string), line('')];
  });
  return Buffer.concat([...written, line(`--${BOUNDARY}--`)]);
}

interface Answer {
  status: number;
  body: Partial<Job> & { code?: string; detail?: string; size?: number; type?: string };
}

async function send(
  method: string,
  path: string,
  body: Uint8Array | undefined,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...headers },
    ...(body && { body: Buffer.from(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as Answer['body'] };
}

const post = (body: Uint8Array, headers = {}, type = `multipart/form-data; boundary=${BOUNDARY}`) =>
  send('POST', '/v1/jobs', body, { 'Content-Type': type, ...headers });
const file = (filename: string, content: string | Uint8Array, name = 'files'): Part => ({ name, filename, content });
const index = file('index.html', '<p>x');

/** The files of a job's part as stored: hashes by paths. */
async function filesOf(id: string | undefined): Promise<Record<string, string>> {
  const rows = await sql<{ name: string; sha256: string }[]>`
    select f.name, encode(a.sha256, 'hex') as sha256 from pdfprompt_part_file f join pdfprompt_asset a on a.id = f.asset_id
    where f.job_id = ${id ?? ''}`;
  return Object.fromEntries(rows.map((row) => [row.name, row.sha256]));
}

describe('a form', () => {
  it('has files by their paths, and a request', async () => {
    const { status, body } = await post(
      form([
        { name: 'request', content: JSON.stringify({ options: { format: 'A4' }, metadata: { order: 7 } }) },
        index,
        file('css/a b.css', 'p{}'),
        file('ignored.png', 'logo', 'img/Grüße ä.png'.normalize('NFD')),
        file('empty.txt', ''),
        { headers: ["Content-Disposition: form-data; name=file; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.js"], content: '1' },
      ]),
    ); // prettier-ignore
    expect([status, body.metadata]).toEqual([202, { order: 7 }]);
    expect(await filesOf(body.id)).toEqual({
      'index.html': sha256('<p>x'),
      'css/a b.css': sha256('p{}'),
      'img/Grüße ä.png': sha256('logo'),
      'empty.txt': sha256(''),
      'naïve €.js': sha256('1'),
    });
  });

  it('made by FormData is the same', async () => {
    const data = new FormData();
    data.append('files', new File(['<p>x'], 'index.html', { type: 'text/html' }));
    data.append('files', new File(['ä'], 'sub/ä ö.css'));
    data.append('request', JSON.stringify({ filename: 'a.pdf' }));
    const response = await fetch(`${address}/v1/jobs`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}` },
      body: data,
    });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as Job;
    expect(await filesOf(id)).toEqual({ 'index.html': sha256('<p>x'), 'sub/ä ö.css': sha256('ä') });
  });

  it('has files beside html, and names them anew by their parts', async () => {
    const request = { html: '<img src="a.png">', files: { 'a.png': 'logo', 'b.css': { text: 'p{}' }, 'c.css': { base64: 'cHt9' } } };
    const { status, body } = await post(form([{ name: 'request', content: JSON.stringify(request) }, file('whatever.png', 'png', 'logo'), file('d/e.js', '1')]));
    expect([status, await filesOf(body.id)]).toEqual([202, { 'a.png': sha256('png'), 'b.css': sha256('p{}'), 'c.css': sha256('p{}'), 'd/e.js': sha256('1') }]);
  }); // prettier-ignore

  it('has zips, which count as their files; so does a zip that is the whole body', async () => {
    const zip = zipOf([
      { name: 'top/index.html', content: '<p>x' },
      { name: 'top/a/ü.css', content: 'p{}' },
    ]);
    const files = { 'index.html': sha256('<p>x'), 'a/ü.css': sha256('p{}') };
    const beside = await post(form([file('site.ZIP', zip, 'anything'), file('b.css', '')]));
    expect(await filesOf(beside.body.id)).toEqual({ ...files, 'b.css': sha256('') });
    const byType = await post(form([{ name: 'a', filename: 'a', type: 'application/zip', content: zip }]));
    expect(await filesOf(byType.body.id)).toEqual(files);
    const alone = await post(zip, {}, 'application/zip');
    expect(await filesOf(alone.body.id)).toEqual(files);
    const { status } = await send('POST', '/v1/jobs', Buffer.from(JSON.stringify({ files })), { 'Content-Type': 'application/json' }); // prettier-ignore
    expect(status).toBe(202);
  });

  it('repeats an Idempotency-Key with the same content, however it is sent', async () => {
    const headers = { 'Idempotency-Key': 'form-1' };
    const request = { name: 'request', content: '{"metadata":{"a":1,"b":2}}' };
    const first = await post(form([request, index, file('a.css', 'p{}')]), headers);
    const again = await post(form([file('a.css', 'p{}'), index, { ...request, content: '{"metadata":{"b":2,"a":1}}' }]), headers);
    const zipped = await post(form([request, file('a.zip', zipOf([{ name: 'index.html', content: '<p>x' }, { name: 'a.css', content: 'p{}' }]))]), headers);
    expect([first.status, again.status, zipped.status]).toEqual([202, 200, 200]);
    expect(new Set([first.body.id, again.body.id, zipped.body.id]).size).toBe(1);
    expect(await post(form([request, index, file('a.css', 'p{ }')]), headers)).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  }); // prettier-ignore

  it('stores the same file once', async () => {
    const content = `once ${'x'.repeat(200_000)}`;
    const parts = [index, file('a.txt', content), file('b.txt', content)];
    await Promise.all([post(form(parts)), post(form(parts)), post(form(parts))]);
    const rows = await sql`select 1 from pdfprompt_asset where sha256 = ${Buffer.from(sha256(content), 'hex')}`;
    expect(rows).toHaveLength(1);
  });
});

describe('what is wrong with a form is named', () => {
  const wrong: [string, Buffer, number, string, RegExp, string?][] = [
    ['no boundary', form([index]), 400, 'invalid_request', /^Content-Type: required with multipart\/form-data: boundary/, 'multipart/form-data'],
    ['another boundary', form([index]), 400, 'invalid_request', /^\(body\): .*no part with this boundary/, 'multipart/form-data; boundary=y'],
    ['nothing', Buffer.alloc(0), 400, 'invalid_request', /^\(body\): .*no part with this boundary/],
    ['no parts', form([]), 400, 'invalid_request', /^\(body\): .*it has no parts/],
    ['no end', form([index]).subarray(0, -9), 400, 'invalid_request', /^part 1: .*it is cut off/],
    ['an end in headers', Buffer.from(`--${BOUNDARY}\r\nContent-Dis`), 400, 'invalid_request', /^part 1: .*cut off/],
    ['no headers', form([index, { headers: [], content: 'x' }]), 400, 'invalid_request', /^part 2: .*required: one header Content-Disposition/],
    ['two of a header', form([{ headers: Array<string>(2).fill('Content-Disposition: form-data; name="a"; filename="b"'), content: '' }]), 400, 'invalid_request', /^part 1: .*required: one header/],
    ['an attachment', form([{ headers: ['Content-Disposition: attachment; filename="a"'], content: '' }]), 400, 'invalid_request', /^part 1: .*allowed: form-data/],
    ['no name', form([{ headers: ['Content-Disposition: form-data; filename="a"'], content: '' }]), 400, 'invalid_request', /^part 1: .*required: a name/],
    ['a name without end', form([{ headers: ['Content-Disposition: form-data; name="a'], content: '' }]), 400, 'invalid_request', /^part 1: .*allowed: form-data/],
    ['a name that is not UTF-8', form([{ headers: ['Content-Disposition: form-data; name="files"; filename="\u0000"'], content: '' }]), 400, 'invalid_request', /^part 1 .*without control characters/],
    ['base64', form([{ headers: ['Content-Disposition: form-data; name="a"; filename="a"', 'Content-Transfer-Encoding: base64'], content: 'eA==' }]), 400, 'invalid_request', /^part 1: .*Transfer-Encoding: allowed: binary/],
    ['an unknown field', form([index, { name: 'requests', content: '{}' }]), 400, 'invalid_request', /^part 2 \("requests"\): unknown field; allowed: request; did you mean request\?/],
    ['two requests', form([{ name: 'request', content: '{}' }, { name: 'request', content: '{}' }]), 400, 'invalid_request', /^part 2 \("request"\): it is there twice/],
    ['no JSON', form([{ name: 'request', content: '{' }, index]), 400, 'invalid_json', /^\(body\)/],
    ['a JSON that is no object', form([{ name: 'request', content: '[]' }, index]), 400, 'invalid_request', /./],
    ['files that are no object', form([{ name: 'request', content: '{"files":7}' }, index]), 400, 'invalid_request', /^files:/],
    ['a field of Gotenberg', form([index, { name: 'paperWidth', content: '8.27' }]), 400, 'invalid_request', /^part 2 \("paperWidth"\): unknown field; allowed: request, whose JSON has it as options\.width \(\/docs\/moving\.md\)$/],
    ['a field of the JSON', form([{ name: 'request', content: '{"option":{}}' }, index]), 400, 'invalid_request', /^option: unknown field; did you mean options\?/],
    ['no document', form([file('a.css', '')]), 400, 'invalid_request', /^files: required: one of the files is the document/],
    ['files beside a url', form([{ name: 'request', content: '{"url":"https://example.com"}' }, index]), 400, 'invalid_request', /^files: url has its own/],
    ['a file twice', form([index, index]), 400, 'invalid_request', /^part 2 \("index.html"\): "index.html" is there twice/],
    ['a file twice, once in a zip', form([index, file('a.zip', zipOf([{ name: 'index.html' }]))]), 400, 'invalid_request', /^part 2 \("a.zip"\): "index.html" is there twice/],
    ['a file twice, once in the JSON', form([{ name: 'request', content: '{"files":{"index.html":{"text":"x"}}}' }, index]), 400, 'invalid_request', /^files\["index.html"\]: it is sent as a file too/],
    ['a parent', form([index, file('../a', '')]), 400, 'invalid_request', /^part 2 \("..\/a"\): allowed: a path without/],
    ['an absolute path', form([index, file('/etc/passwd', '')]), 400, 'invalid_request', /^part 2 \("\/etc\/passwd"\): allowed: a relative path/],
    ['a path of Windows', form([index, file('C:\\\\a\\\\b.png', '')]), 400, 'invalid_request', /^part 2 .*without \\/],
    ['__proto__', form([index, file('__proto__', '')]), 400, 'invalid_request', /allowed: any other name/],
    ['too many files', form(Array.from({ length: 21 }, (_, number) => file(`${number}`, ''))), 400, 'invalid_request', /^part 21 \("20"\): allowed: 20 files/],
    ['too many files in a zip', form([index, file('a.zip', zipOf(Array.from({ length: 20 }, (_, number) => ({ name: `${number}` }))))]), 400, 'invalid_request', /^part 2 \("a.zip"\): zip: it has too many files; allowed: 19/],
    ['too many parts', form(Array.from({ length: 40 }, (_, number) => ({ name: 'request', content: `${number}` }))), 400, 'invalid_request', /^part 2 \("request"\): it is there twice|^part 22: .*allowed: at most 21 parts/],
    ['a zip that is none', form([index, file('a.zip', 'PK')]), 400, 'invalid_request', /^part 2 \("a.zip"\): zip: it is no zip that can be read/],
    ['an empty zip', form([index, file('a.zip', zipOf([]))]), 400, 'invalid_request', /^part 2 \("a.zip"\): the zip has no files/],
    ['a hostile zip', form([index, file('a.zip', zipOf([{ name: '../a' }]))]), 400, 'invalid_request', /^part 2 \("a.zip"\): zip: "..\/a": allowed/],
    ['a zip as a body that is none', Buffer.from('x'), 400, 'invalid_request', /^\(body\): zip: it is no zip/, 'application/zip'],
    ['too large', form([index, file('a', new Uint8Array(4 * MEGABYTE))]), 413, 'body_too_large', /^\(body\): it is larger than 4194304 bytes/],
    ['a zip that unpacks to too much', form([index, file('a.zip', zipOf([{ name: 'a', content: Buffer.alloc(5 * MEGABYTE) }]))]), 400, 'invalid_request', /^part 2 \("a.zip"\): zip: "a": with it the zip has more than 4194304 bytes/],
    ['another type', form([index]), 415, 'unsupported_media_type', /^Content-Type: .*allowed: application\/json, multipart\/form-data, application\/zip/, 'multipart/mixed; boundary=x-x-x'],
    ['an asset that is not there', form([{ name: 'request', content: JSON.stringify({ files: { 'a.png': '0'.repeat(64) } }) }, index]), 400, 'invalid_request', /^files\["a.png"\]: you have no such asset/],
    ['a part that is not there', form([{ name: 'request', content: JSON.stringify({ files: { 'a.png': 'logo' } }) }, index]), 400, 'invalid_request', /^files.*a.png/],
  ]; // prettier-ignore
  it.each(wrong)('%s', async (_, body, status, code, detail, type) => {
    const answer = await post(body, {}, type);
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      status,
      code,
      expect.stringMatching(detail),
    ]);
    expect(foldersLeft()).toEqual([]);
  });

  it('in pieces of any size as well', async () => {
    for (const [what, body, status, code, , type = `multipart/form-data; boundary=${BOUNDARY}`] of wrong.filter(([, bytes]) => bytes.length < 2_000)) {
      const answer = await inPieces(body, type, 7);
      expect([what, answer.status, answer.body.code]).toEqual([what, status, code]);
    }
    const whole = await inPieces(form([index, file('a.css', 'p{}')]), `multipart/form-data; boundary="${BOUNDARY}"`, 1);
    expect(await filesOf(whole.body.id)).toEqual({ 'index.html': sha256('<p>x'), 'a.css': sha256('p{}') });
  }); // prettier-ignore
});

/** Without a Content-Length. */
function inPieces(body: Buffer, type: string, size: number): Promise<Answer> {
  return new Promise((done, failed) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': type, 'transfer-encoding': 'chunked' };
    const sent = httpRequest(`${address}/v1/jobs`, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        done({
          status: response.statusCode ?? 0,
          body: JSON.parse(Buffer.concat(chunks).toString()) as Answer['body'],
        }),
      );
    });
    sent.once('error', failed);
    for (let at = 0; at < body.length; at += size) sent.write(body.subarray(at, at + size));
    sent.end();
  });
}

/** Begins to send a form with a large file, and stays. */
function slowSender(of: string, path = '/v1/jobs') {
  const headers = {
    authorization: `Bearer ${of}`,
    'content-type': path === '/v1/jobs' ? `multipart/form-data; boundary=${BOUNDARY}` : OCTETS,
    'content-length': 3 * MEGABYTE,
  };
  const sent = httpRequest(`${address}${path}`, { method: path === '/v1/jobs' ? 'POST' : 'PUT', headers });
  sent.on('error', () => undefined);
  sent.write(form([index, file('a.bin', new Uint8Array(MEGABYTE))]).subarray(0, MEGABYTE));
  return sent;
}

describe('a sender that is slow', () => {
  it('leaves nothing when it hangs up, in a form or a file', async () => {
    for (const path of ['/v1/jobs', '/v1/assets']) {
      const senders = [slowSender(key, path), slowSender(key, path)];
      await eventually(() => foldersLeft().length === 2, 30_000, 'it arrives');
      for (const sender of senders) sender.destroy();
      await eventually(() => foldersLeft().length === 0 && underWay.isIdle, 30_000, 'all is removed');
    }
  });

  it('keeps files of its own tenant waiting, and nobody else', async () => {
    const [slow, other] = await Promise.all([newKey('slow@example.com'), newKey('other@example.com')]);
    const senders = Array.from({ length: 12 }, () => slowSender(slow));
    await eventually(() => foldersLeft().length === 2, 30_000, 'two arrive');
    const body = form([index, file('b.css', 'p{}')]);
    expect((await post(body, { Authorization: `Bearer ${other}` })).status).toBe(202);
    const json = { Authorization: `Bearer ${slow}`, 'Content-Type': 'application/json' };
    expect((await send('POST', '/v1/jobs', Buffer.from('{"html":"x"}'), json)).status).toBe(202);
    expect(foldersLeft()).toHaveLength(2);
    const waiting = post(body, { Authorization: `Bearer ${slow}` });
    for (const sender of senders) sender.destroy();
    expect((await waiting).status).toBe(202);
    await eventually(() => foldersLeft().length === 0 && underWay.isIdle, 30_000, 'all is removed');
  });
});

describe('temporary files', () => {
  it('of one tenant, and of all, are bounded', async () => {
    const space = new UploadSpace({ maxBytes: MEGABYTE, maxFiles: 1, events: base.events });
    const fill = (user: string, megabytes: number, then: () => Promise<unknown>) =>
      space.within(user, async (folder) => {
        const bytes = Buffer.alloc(MEGABYTE);
        await folder.save((async function* () { for (let count = 0; count < megabytes; count++) yield bytes; })());
        await then();
      });
    const refused = (user: string) => fill(user, 1, async () => undefined).then(() => 'taken', (error: CodedError) => error.code);
    await fill('ann', 3, async () => {
      expect(await Promise.all([refused('ann'), refused('bob')])).toEqual(['too_much_under_way', 'taken']);
      await fill('bob', 3, () => fill('cem', 3, async () => {
        expect(await refused('dan')).toBe('taken');
        await fill('dan', 1, async () => expect(await refused('eve')).toBe('unavailable'));
      }));
    });
    expect(await refused('ann')).toBe('taken');
  }); // prettier-ignore

  it('of an ended process, or of one that had this pid, are removed at the start of the next', async () => {
    const folder = (owner: string) => join(tmpdir(), `pdfprompt-uploads-${owner}`);
    const ended = [`999999999-0-x`, `${process.pid}-0-x`].map(folder);
    const running = folder('1-0-x');
    for (const path of [...ended, running]) mkdirSync(path, { recursive: true });
    const space = new UploadSpace({ maxBytes: 1, maxFiles: 1, events: base.events });
    await space.within('ann', async ({ path: own }) => {
      await space.start();
      const names = readdirSync(tmpdir()).map((name) => join(tmpdir(), name));
      expect(names).toEqual(expect.arrayContaining([own, running]));
      for (const path of ended) expect(names).not.toContain(path);
    });
    await space.stop();
    rmSync(running, { recursive: true });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`pdfprompt-uploads-${process.pid}`))).toEqual([]);
  });
});

describe('an asset', () => {
  it('is sent once, and read as it was', async () => {
    const content = Buffer.alloc(3 * MEGABYTE, 'asset ');
    const put = () => send('PUT', '/v1/assets', content, { 'Content-Type': 'font/woff2' });
    const id = sha256(content);
    expect(await put()).toEqual({ status: 201, body: { id, size: content.length, type: 'font/woff2' } });
    expect(await put()).toEqual({ status: 200, body: { id, size: content.length, type: 'font/woff2' } });
    const get = (headers = {}, method = 'GET') =>
      fetch(`${address}/v1/assets/${id}`, { method, headers: { Authorization: `Bearer ${key}`, ...headers } });
    const whole = await get();
    expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'font/woff2',
      etag: `"${id}"`,
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    });
    const part = await get({ Range: 'bytes=1048570-1048579' });
    expect([part.status, await part.text()]).toEqual([206, content.subarray(1_048_570, 1_048_580).toString()]);
    expect((await get({ 'If-None-Match': `"${id}"` })).status).toBe(304);
    expect((await get({ Range: 'bytes=99999999-' })).status).toBe(416);
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, `${content.length}`, '']);
  }); // prettier-ignore

  it('may be empty, and without a type', async () => {
    const headers = { Authorization: `Bearer ${await newKey('empty@example.com')}` };
    const { status, body } = await send('PUT', '/v1/assets', undefined, headers);
    expect([status, body]).toEqual([201, { id: sha256(''), size: 0, type: OCTETS }]);
    const response = await fetch(`${address}/v1/assets/${sha256('')}`, { headers });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('is its tenant’s alone: to read, and in a request', async () => {
    const [ann, bob] = await Promise.all([newKey('its@example.com'), newKey('bob@other.example')]);
    const id = sha256('secret');
    await send('PUT', '/v1/assets', Buffer.from('secret'), { Authorization: `Bearer ${ann}` });
    const asBob = { Authorization: `Bearer ${bob}`, 'Content-Type': 'application/json' };
    expect(await send('GET', `/v1/assets/${id}`, undefined, asBob)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const stolen = Buffer.from(JSON.stringify({ html: 'x', files: { 'a.txt': id } }));
    expect(await send('POST', '/v1/jobs', stolen, asBob)).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/^files\["a.txt"\]: you have no such asset/) as string } });
    expect((await send('POST', '/v1/jobs', stolen, { ...asBob, Authorization: `Bearer ${ann}` })).status).toBe(202);
    for (const wrong of ['x', id.toUpperCase(), `${id}0`, '..%2f..%2fetc%2fpasswd']) expect([wrong, (await send('GET', `/v1/assets/${wrong}`, undefined)).status]).toEqual([wrong, 404]);
  }); // prettier-ignore

  it('is refused by name if it is too large, or one too many', async () => {
    const large = await send('PUT', '/v1/assets', Buffer.alloc(4 * MEGABYTE + 1));
    expect(large).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    const asForm = await send('PUT', '/v1/assets', form([index]), { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` });
    expect(asForm).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    const full = { Authorization: `Bearer ${await newKey('full@example.com')}` };
    for (const number of [1, 2, 3]) expect((await send('PUT', '/v1/assets', Buffer.alloc(4 * MEGABYTE, number), full)).status).toBe(201);
    const more = await send('PUT', '/v1/assets', Buffer.alloc(MEGABYTE, 4), full);
    expect(more).toMatchObject({ status: 403, body: { code: 'asset_limit_reached', detail: expect.stringMatching(/allowed: 12 MB/) as string } });
    expect(await post(form([index, file('a', 'more than there is room for')]), full)).toMatchObject({ status: 403, body: { code: 'asset_limit_reached' } });
    expect((await send('PUT', '/v1/assets', Buffer.alloc(4 * MEGABYTE, 1), full)).status).toBe(200);
  }); // prettier-ignore
});
