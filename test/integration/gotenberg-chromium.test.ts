import { describe, expect, it } from 'vitest';
import { type FormFile, gotenbergForm } from '../support/gotenberg-form.ts';
import { pdfInfo, picturesOfPages, textOfPages } from '../support/pdf-tools.ts';
import { pixelsOf } from '../support/pixels.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

const site = await startSite((request, response) => {
  const { url = '/', headers } = request;
  const status = /^\/status\/(\d+)/.exec(url)?.[1];
  // A page may not use HTML as an image.
  const type = headers.accept?.startsWith('image/') ? 'image/png' : 'text/html';
  response.writeHead(status === undefined ? 200 : Number(status), {
    'Content-Type': type,
    'Access-Control-Allow-Origin': '*',
  });
  if (url === '/slow') return void setTimeout(() => response.end('late'), 500);
  if (url === '/headers')
    response.end(`<pre>${headers.cookie ?? ''} ${headers['x-plain'] as string} ${headers['x-scoped'] as string} ${headers['x-at'] as string} ${String(headers['x-else'])} ${headers['user-agent']}</pre>`); // prettier-ignore
  else response.end(status === undefined ? '<p>the site</p>' : undefined);
});
const service = await startService({
  worker: true,
  env: {
    COMPAT: 'gotenberg',
    ...site.env,
  },
});

interface Sent {
  fields?: Record<string, string>;
  headers?: Record<string, string>;
  key?: string | null;
}

async function send(
  route: string,
  files: readonly FormFile[],
  { fields = {}, headers = {}, key = service.key }: Sent = {},
) {
  const answer = await fetch(`${service.address}/forms/chromium/${route}`, {
    method: 'POST',
    body: gotenbergForm(files, fields),
    headers: { ...(key !== null && { Authorization: `Bearer ${key}` }), ...headers },
  });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

const html = (text: string): FormFile => ['index.html', text];
/** Converts a page that has to become a PDF. */
async function pdfOf(page: string, fields: Record<string, string> = {}, others: readonly FormFile[] = []) {
  const { status, bytes } = await send('convert/html', [html(page), ...others], { fields });
  if (status !== 200) throw new Error(bytes.toString());
  return bytes;
}
async function refused(page: string, fields: Record<string, string>, route = 'convert/html') {
  const { status, headers, bytes } = await send(route, [html(page)], { fields });
  return { status, type: headers.get('content-type'), text: bytes.toString() };
}
const firstPage = async (pdf: Uint8Array) => pixelsOf(picturesOfPages(pdf, { dpi: 72 })[0] ?? Buffer.alloc(0));

const TEXT = 'text/plain; charset=UTF-8';
const RED = [255, 0, 0, 255];
const WHITE = [255, 255, 255, 255];

describe('a PDF of html', () => {
  it('is the file of a job, named as the caller says', async () => {
    const { status, headers, bytes } = await send('convert/html', [html('<p>Page 1')], {
      headers: { 'Gotenberg-Output-Filename': '/tmp/foo', 'Gotenberg-Trace': 'abc' },
    });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect(headers.get('content-disposition')).toBe('attachment; filename="foo.pdf"');
    expect(headers.get('gotenberg-trace')).toBe('abc');
    expect(textOfPages(bytes)[0]).toContain('Page 1');
    expect(pdfInfo(bytes)['Page size']).toBe('612 x 792 pts (letter)');
  });

  it('has the margins, paper and colours of Gotenberg', async () => {
    const page =
      '<style>html{background:#00f}body{margin:0;background:#0f0}div{width:100px;height:100px;background:#f00}</style><div>';
    const plain = await firstPage(await pdfOf(page));
    // 0.39 inches are 28 points. The page itself has no background, its elements do.
    expect([plain.at(26, 26), plain.at(32, 32), plain.at(300, 400)]).toEqual([WHITE, RED, WHITE]);
    const full = await firstPage(await pdfOf(page, { printBackground: '1', marginTop: '0', marginLeft: '0mm' }));
    expect(full.at(2, 2)).toEqual(RED);
    expect(full.at(300, 400)).toEqual([0, 255, 0, 255]);
    const sizes = await pdfOf(page, { paperWidth: '210mm', paperHeight: '11.7in', landscape: 'True' });
    expect(pdfInfo(sizes)['Page size']).toMatch(/^842.* x 595.*/);
  });

  it('has header, footer and assets, whatever their fields are called', async () => {
    const page = '<style>@import "style.css"</style>' + '<h1 style="break-after:page">One</h1>'.repeat(2) + '<h1>Three';
    const pdf = await pdfOf(page, { marginTop: '1', marginBottom: '1' }, [
      ['header.html', '<html><body><p style="font-size:12px">Head</p></body></html>', 'header.html'],
      [
        'footer.html',
        '<p style="font-size:12px"><span class="pageNumber"></span> of <span class="totalPages"></span>',
        'any',
      ],
      ['style.css', 'h1::before{content:"styled "}', 'file2'],
    ]);
    const pages = textOfPages(pdf);
    expect(pages).toHaveLength(3);
    expect(pages[2]).toMatch(/Head[\s\S]*3 of 3[\s\S]*styled Three/);
  });

  it('has a header with a large picture in it', async () => {
    const picture = `<img alt="" src="data:image/png;base64,${'A'.repeat(400_000)}">`;
    const header = `<p style="font-size:12px">Large</p>${picture}`;
    const pdf = await pdfOf('<p>x', { marginTop: '2' }, [['header.html', header]]);
    expect(textOfPages(pdf)[0]).toContain('Large');
  });

  it('has pages, bookmarks and one high page as asked for', async () => {
    const page = '<h1 style="break-after:page">One</h1><h1>Two</h1>';
    expect(textOfPages(await pdfOf(page, { nativePageRanges: '2' }))).toEqual([expect.stringContaining('Two')]);
    const outlined = await pdfOf(page, { generateDocumentOutline: 'true' });
    expect(pdfInfo(outlined).Tagged).toBe('yes');
    const tall = await pdfOf('<div style="height:3000px">', { singlePage: 'true' });
    expect(pdfInfo(tall).Pages).toBe('1');
  });

  it('waits as asked for', async () => {
    const page = `<p id="out">early</p><script>setTimeout(() => { out.textContent = 'late'; out.id = 'done'; ready = true }, 700); ready = false</script>`;
    const text = async (fields: Record<string, string>) => textOfPages(await pdfOf(page, fields))[0]?.trim();
    expect(await text({})).toBe('early');
    expect(await text({ waitDelay: '1.2s' })).toBe('late');
    expect(await text({ waitForExpression: 'ready === true // as asked for' })).toBe('late');
    expect(await text({ waitForSelector: '#done' })).toBe('late');
    const loading = `<p id="out">early</p><script>fetch('${site.origin}/slow').then((answer) => answer.text()).then((text) => (out.textContent = text))</script>`;
    const loaded = await pdfOf(loading, { skipNetworkIdleEvent: 'false' });
    expect(textOfPages(loaded)[0]?.trim()).toBe('late');
  });

  it('is refused if a wait can never be over', async () => {
    expect(await refused('<p>', { waitForExpression: '"a text"' })).toMatchObject({ status: 400, type: TEXT });
    expect(await refused('<p>', { waitForExpression: 'missing.value' })).toMatchObject({ status: 400, type: TEXT });
    expect(await refused('<p>', { waitForSelector: '##' })).toMatchObject({ status: 400, type: TEXT });
  });

  it('has the media that are asked for', async () => {
    const page =
      '<style>p{display:none}@media print{.print{display:block}}@media screen{.screen{display:block}}@media (prefers-reduced-motion:reduce){.calm{display:block}}</style><p class=print>print<p class=screen>screen<p class=calm>calm';
    const text = async (fields: Record<string, string>) =>
      textOfPages(await pdfOf(page, fields))[0]
        ?.split(/\s+/)
        .filter(Boolean);
    expect(await text({})).toEqual(['print']);
    const emulatedMediaFeatures = '{"prefers-reduced-motion":"reduce"}';
    expect(await text({ emulatedMediaType: 'screen', emulatedMediaFeatures })).toEqual(['screen', 'calm']);
    const list = '[{"name":"prefers-reduced-motion","value":"reduce"}]';
    expect(await text({ emulatedMediaFeatures: list })).toEqual(['print', 'calm']);
  });

  it('fails as asked for', async () => {
    const page = `<img src="${site.origin}/status/404"><script>throw new Error('Exception 1')</script>`;
    expect((await pdfOf(page)).byteLength).toBeGreaterThan(0);
    const byStatus = await refused(page, { failOnResourceHttpStatusCodes: '[499,599]' });
    expect(byStatus).toMatchObject({ status: 409, type: TEXT });
    expect(byStatus.text).toContain(`${site.origin}/status/404 - 404`);
    const ignored = {
      failOnResourceHttpStatusCodes: '[499]',
      ignoreResourceHttpStatusDomains: `["${site.origin}/path"]`,
    };
    expect((await pdfOf(page, ignored)).byteLength).toBeGreaterThan(0);
    const thrown = await refused(page, { failOnConsoleExceptions: '1' });
    expect(thrown).toMatchObject({ status: 409, type: TEXT });
    expect(thrown.text).toContain('Exception 1');
    expect(await refused('<script>console.error("only said")</script>', { failOnConsoleExceptions: '1' })).toMatchObject({ status: 200 }); // prettier-ignore
    const unloaded = '<link rel=stylesheet href="missing.css">';
    expect(await refused(unloaded, { failOnResourceLoadingFailed: 'true' })).toMatchObject({ status: 409 });
    expect(await refused(unloaded, { failOnResourceHttpStatusCodes: '[499]' })).toMatchObject({ status: 200 });
  });

  it('names every field that is wrong, a line each', async () => {
    const names = [
      'skipNetworkIdleEvent',
      'failOnHttpStatusCodes',
      'waitDelay',
      'landscape',
      'scale',
      'paperWidth',
      'marginTop',
      'generateTaggedPdf',
    ];
    const { status, headers, bytes } = await send('convert/html', [], {
      fields: Object.fromEntries(names.map((name) => [name, 'foo'])),
    });
    expect([status, headers.get('content-type')]).toEqual([400, TEXT]);
    expect(
      bytes
        .toString()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual([...names, 'index.html']);
    expect((await refused('<p>', { omitBackground: 'true' })).text).toMatch(/^omitBackground: /);
    expect((await refused('<p>', { nativePageRanges: 'foo' })).text).toMatch(/^nativePageRanges: /);
    expect(await refused('<p>', { nativePageRanges: '2-3' })).toMatchObject({ status: 400, type: TEXT });
    expect((await refused('<p>', { scale: '9' })).text).toMatch(/^scale: /);
  });
});

describe('a PDF of a URL', () => {
  const url = (path: string, fields: Record<string, string> = {}) =>
    send('convert/url', [], { fields: { url: `${site.origin}${path}`, ...fields } });

  it('is loaded with cookies and headers', async () => {
    const { status, bytes } = await url('/headers', {
      cookies: `[{"name":"yummy","value":"choco","domain":"${new URL(site.origin).host}","sameSite":"lax"}]`,
      extraHttpHeaders: JSON.stringify({
        'X-Plain': 'plain',
        'X-Scoped': 'scoped;scope=https?://127\\.0\\.0\\.1:\\d+',
      }),
      userAgent: 'A reader',
    });
    expect([status, bytes.toString()]).toEqual([400, expect.stringMatching(/^extraHttpHeaders.X-Scoped: /)]);
    const fine = await url('/headers', {
      cookies: `[{"name":"yummy","value":"choco","domain":"${new URL(site.origin).host}","sameSite":"lax"}]`,
      extraHttpHeaders: JSON.stringify({
        'X-Plain': 'plain',
        'X-Scoped': 'scoped;scope=https?://127\\.0\\.0\\.1',
        'X-At': 'at;scope=https?://([a-zA-Z0-9-]+\\.)*127\\.0\\.0\\.1:\\d+/.*',
        'X-Else': 'else;scope=https?://([a-zA-Z0-9-]+\\.)*example\\.com/.*',
      }),
      userAgent: 'A reader',
    });
    expect(fine.bytes.subarray(0, 200).toString()).toMatch(/^%PDF/);
    expect(textOfPages(fine.bytes)[0]).toContain('yummy=choco plain scoped at undefined A reader');
  });

  it('fails by the status of the page', async () => {
    expect(await url('/status/404')).toMatchObject({ status: 409 });
    expect(await url('/status/404', { failOnHttpStatusCodes: '[599]' })).toMatchObject({ status: 200 });
  });

  it('is refused where nobody may go', async () => {
    for (const address of ['file:///etc/passwd', 'nonsense'])
      expect(await send('convert/url', [], { fields: { url: address } })).toMatchObject({ status: 400 });
    const answer = await send('convert/url', [], { fields: { url: 'http://10.0.0.1/' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, TEXT]);
    expect((await send('convert/url', [], { fields: { scale: '1' } })).bytes.toString()).toMatch(/^url: required/);
  });
});

describe('a PDF of markdown', () => {
  const page = html(
    '<html><body><h1>A page</h1>{{ toHTML "one.md" }}{{- /* none */ -}} {{ toHTML `two.md` }}</body></html>',
  );

  it('has the files where the page names them', async () => {
    const { status, bytes } = await send('convert/markdown', [
      page,
      ['one.md', '## First\n\n| a | b |\n|---|---|\n| c | d |'],
      ['two.md', 'Second *text*'],
    ]);
    expect([status, textOfPages(bytes)[0]]).toEqual([200, expect.stringMatching(/A page\s+First[\s\S]*Second text/)]);
  });

  it('names a file that is missing', async () => {
    const missing = await send('convert/markdown', [page, ['one.md', 'x']]);
    expect([missing.status, missing.bytes.toString()]).toEqual([400, expect.stringContaining('"two.md"')]);
    const other = await send('convert/markdown', [html('{{ range .Items }}'), ['one.md', 'x']]);
    expect([other.status, other.bytes.toString()]).toEqual([400, expect.stringContaining('{{ range .Items }}')]);
    expect((await send('convert/markdown', [page])).bytes.toString()).toMatch(/^files: required/);
  });
});

describe('a picture', () => {
  const SQUARE =
    '<style>body{margin:0}</style><div style="height:900px"></div><div id="target" style="width:300px;height:200px;background:#f00"></div>';

  it('shows the page, the viewport or an element, as the type that is asked for', async () => {
    const take = async (fields: Record<string, string>) => {
      const { status, headers, bytes } = await send('screenshot/html', [html(SQUARE)], {
        fields,
        headers: { 'Gotenberg-Output-Filename': 'foo' },
      });
      if (status !== 200) throw new Error(bytes.toString());
      const { width, height, at } = await pixelsOf(bytes);
      return { name: headers.get('content-disposition'), size: [width, height], at };
    };
    const whole = await take({});
    expect([whole.name, whole.size, whole.at(150, 1000)]).toEqual(['attachment; filename="foo.png"', [800, 1100], RED]);
    expect(await take({ clip: 'true', width: '320', height: '200', format: 'webp' })).toMatchObject({ name: 'attachment; filename="foo.webp"', size: [320, 200] }); // prettier-ignore
    const element = await take({ selector: '#target' });
    expect([element.size, element.at(150, 100)]).toEqual([[300, 200], RED]);
    expect(await take({ format: 'jpeg', quality: '0', deviceScaleFactor: '2', clip: '1' })).toMatchObject({ name: 'attachment; filename="foo.jpeg"', size: [1600, 1200] }); // prettier-ignore
  });

  it('is refused with the fields that are wrong', async () => {
    expect((await refused('<p>', { format: 'gif', quality: '-1', width: '0' }, 'screenshot/html')).text.split('\n').map((line) => line.split(':')[0])).toEqual(['width', 'format', 'quality']); // prettier-ignore
    expect(await refused(SQUARE, { selector: '#none' }, 'screenshot/html')).toMatchObject({ status: 400, type: TEXT });
  });
});

describe('a request', () => {
  const UNKNOWN = 'pdf_00000000000000000000000000000000';
  const jobs = async (key: string) => {
    const listed = await service.request('/v1/jobs?limit=1', { key });
    return ((await listed.json()) as { data: { id: string; status: string }[] }).data;
  };

  it('is its caller’s, who may say who they are in four ways', async () => {
    const key = await service.newKey('caller@example.com');
    const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const ways = [{ Authorization: `Bearer ${key}` }, basic(`anyone:${key}`), basic(`${key}:`), { 'X-Api-Key': key }];
    for (const headers of ways) {
      const { status } = await send('convert/html', [html('<p>mine')], { key: null, headers });
      expect(status).toBe(200);
    }
    expect(await jobs(key)).toHaveLength(1);
    for (const headers of [{} as Record<string, string>, basic(`anyone:${UNKNOWN}`), { 'X-Api-Key': UNKNOWN }]) {
      const answer = await send('convert/html', [html('<p>nobody’s')], { key: null, headers });
      expect([answer.status, answer.headers.get('www-authenticate'), answer.headers.get('content-type')]).toEqual([401, expect.stringMatching(/^Basic/), TEXT]); // prettier-ignore
      expect(answer.headers.get('gotenberg-trace')).toMatch(/^[\da-f-]{36}$/);
    }
    const reader = await service.newKey('reader@example.com');
    expect((await jobs(reader)).length).toBe(0);
  });

  it('whose caller hangs up has its job cancelled', async () => {
    const key = await service.newKey('gone@example.com');
    const hangUp = new AbortController();
    const body = gotenbergForm([html('<p>waits')], { waitForExpression: 'false' });
    const sending = fetch(`${service.address}/forms/chromium/convert/html`, { method: 'POST', body, headers: { 'X-Api-Key': key }, signal: hangUp.signal }); // prettier-ignore
    await expect.poll(async () => (await jobs(key)).length).toBe(1);
    hangUp.abort();
    await expect(sending).rejects.toThrow('aborted');
    await expect.poll(async () => (await jobs(key))[0]?.status).toBe('cancelled');
  });

  it('for something else is answered in plain text', async () => {
    const text = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(`${service.address}${path}`, { headers: { 'X-Api-Key': service.key }, ...init });
      expect(answer.headers.get('content-type')).toBe(TEXT);
      expect(answer.headers.get('gotenberg-trace')).toMatch(/^[\da-f-]{36}$/);
      return [answer.status, await answer.text()];
    };
    expect(await text('/forms/nothing', { method: 'POST' })).toEqual([404, expect.stringContaining('/forms/nothing')]);
    expect(await text('/forms/chromium/convert/html')).toEqual([405, expect.stringContaining('POST')]);
    const json = {
      method: 'POST',
      body: '{}',
      headers: { 'X-Api-Key': service.key, 'Content-Type': 'application/json' },
    };
    expect(await text('/forms/chromium/convert/html', json)).toEqual([
      415,
      expect.stringContaining('multipart/form-data'),
    ]);
    const office = { method: 'POST', body: gotenbergForm([['a.docx', 'x']]) };
    expect(await text('/forms/libreoffice/convert', office)).toEqual([501, expect.stringContaining('soffice')]);
  });

  it('of a probe needs no key', async () => {
    const health = await fetch(`${service.address}/health`);
    expect(await health.json()).toMatchObject({ status: 'up', details: { chromium: { status: 'up' } } });
    expect((await fetch(`${service.address}/health`, { method: 'HEAD' })).status).toBe(200);
  });

  it('for what is here needs one', async () => {
    const get = async (path: string, headers: Record<string, string> = { 'X-Api-Key': service.key }) => {
      const answer = await fetch(`${service.address}${path}`, { headers });
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    };
    expect(await get('/version')).toEqual([200, TEXT, '8.36.0']);
    expect(await get('/')).toEqual([200, 'text/html; charset=UTF-8', expect.stringContaining('/docs')]);
    expect((await get('/favicon.ico'))[0]).toBe(204);
    expect((await get('/prometheus/metrics'))[2]).toContain('gotenberg_chromium_requests_queue_size 0');
    for (const path of ['/version', '/', '/favicon.ico', '/prometheus/metrics'])
      expect((await get(path, {})).slice(0, 2)).toEqual([401, TEXT]);
    expect((await get('/debug', {}))[0]).toBe(404);
  });
});

describe('a PDF that is finished', () => {
  it('is split, with the names that the caller gives', async () => {
    const page = '<h1 style="break-after:page">One</h1><h1 style="break-after:page">Two</h1><h1>Three';
    const { headers, bytes } = await send('convert/html', [html(page)], {
      fields: { splitMode: 'intervals', splitSpan: '2' },
      headers: { 'Gotenberg-Output-Filename': Buffer.from('zwölf').toString('latin1') },
    });
    expect(headers.get('content-type')).toBe('application/zip');
    expect(Buffer.from(headers.get('content-disposition') ?? '', 'latin1').toString()).toBe(
      'attachment; filename="zwölf.zip"',
    );
    expect(bytes.includes('zwölf_0.pdf') && bytes.includes('zwölf_1.pdf') && !bytes.includes('zwölf_2.pdf')).toBe(true);
  });

  it('conforms and has attachments', async () => {
    const { status, bytes } = await send(
      'convert/html',
      [html('<html lang=en><title>A</title><p>a'), ['data.xml', '<a/>', 'embeds']],
      {
        fields: { pdfa: 'PDF/A-3b', pdfua: 'true', metadata: '{"Author":"Ann"}' },
      },
    );
    expect([status, pdfInfo(bytes).Author]).toEqual([200, 'Ann']);
  });
});
