import { describe, expect, it } from 'vitest';
import { textOfPages, pdfInfo } from '../support/pdf-tools.ts';
import { pixelsOf } from '../support/pixels.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

const RED = [255, 0, 0, 255];
const site = await startSite((request, response) => {
  const { url = '' } = request;
  if (url === '/hangs') return;
  const headers = JSON.stringify(request.headers).replaceAll('<', '');
  response.writeHead(url === '/missing' ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(
    `<title>Site</title><h1>At ${url}</h1><p>${headers}</p><script>document.title = 'Scripted “ü”'</script>`,
  );
});
const { address, key, lines, sql, newKey } = await startService({
  worker: true,
  env: { ...site.env, COMPAT: 'browserless', COMPAT_USER: 'guest@example.com', COMPAT_TIMEOUT: '20' },
});
await newKey('guest@example.com');

const CLOUDFLARE = '/client/v4/accounts/0123/browser-rendering';
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const withToken = (path: string, body: unknown) => post(`${path}?token=${key}`, body);
const bytesOf = async (response: Response) => {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const error = response.ok ? '' : Buffer.from(bytes).toString();
  expect([response.status, error]).toEqual([200, '']);
  return bytes;
};

describe('/pdf', () => {
  it('answers with a PDF that looks as Puppeteer’s does', async () => {
    const html = '<style>body { background: red }</style><h1>Hello</h1>';
    const response = await withToken('/pdf', { html });
    const pdf = await bytesOf(response);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect(textOfPages(pdf)).toEqual([expect.stringContaining('Hello')]);
    expect(pdfInfo(pdf)).toMatchObject({ 'Page size': expect.stringContaining('letter'), Tagged: 'yes' });
  });

  it('prints a URL as its options say', async () => {
    const response = await withToken('/chromium/pdf/', {
      url: `${site.origin}/invoice`,
      options: { format: 'A4', landscape: true, displayHeaderFooter: true, margin: { top: '70px', bottom: '70px' } },
      setExtraHTTPHeaders: { 'X-Custom': 'value' },
      cookies: [{ name: 'foo', value: 'bar', domain: '127.0.0.1' }],
      gotoOptions: { waitUntil: 'networkidle2' },
      waitForFunction: { fn: '() => 5 + 5' },
    });
    const pdf = await bytesOf(response);
    const [text = ''] = textOfPages(pdf);
    expect(text).toContain('At /invoice');
    expect(text.replaceAll(/\s/g, '')).toMatch(/"x-custom":"value"/);
    expect(text).toContain('foo=bar');
    expect(text).toContain('1/1'); // of the browser's own footer
    expect(pdfInfo(pdf)['Page size']).toMatch(/^841.* x 59\d/);
  });

  it('prints the page of an error too', async () => {
    expect(textOfPages(await bytesOf(await withToken('/pdf', { url: `${site.origin}/missing` })))[0]).toContain(
      'At /missing',
    );
  });

  it('is one page with fullPage', async () => {
    const html = '<body style="height: 5000px">a';
    expect(textOfPages(await bytesOf(await withToken('/pdf', { html, options: { fullPage: true } })))).toHaveLength(1);
  });

  it('waits for an event', async () => {
    const html = `<p>before</p><script>setTimeout(() => {
      document.querySelector('p').textContent = 'after';
      document.dispatchEvent(new Event('customEvent'));
    }, 300)</script>`;
    const response = await withToken('/pdf', { html, waitForEvent: { event: 'customEvent' } });
    expect(textOfPages(await bytesOf(response))[0]).toContain('after');
  });

  it('takes the options of Cloudflare below its path', async () => {
    const body = { html: '<h1>a</h1>', pdfOptions: { format: 'a5', timeout: 30_000 }, actionTimeout: 10_000 };
    const response = await post(`${CLOUDFLARE}/pdf?cacheTTL=0`, body, { Authorization: `Bearer ${key}` });
    expect(pdfInfo(await bytesOf(response))['Page size']).toContain('A5');
  });
});

describe('/screenshot', () => {
  const html =
    '<body style="margin:0;height:2000px;background:#f00"><h1 style="width:50px;height:40px;margin:0">a</h1>';

  it('is a PNG of 800 by 600 pixels', async () => {
    const response = await withToken('/screenshot', { html });
    const { width, height, at } = await pixelsOf(await bytesOf(response));
    expect(response.headers.get('content-type')).toBe('image/png');
    expect([width, height, at(400, 300)]).toEqual([800, 600, RED]);
  });

  it('is what its options say', async () => {
    const viewport = { width: 320, height: 200, deviceScaleFactor: 2 };
    const whole = await withToken('/screenshot', {
      html,
      viewport,
      options: { fullPage: true, type: 'jpeg', quality: 90 },
    });
    const { width, height } = await pixelsOf(await bytesOf(whole));
    expect([whole.headers.get('content-type'), width, height]).toEqual(['image/jpeg', 640, 4_000]);
    const element = await pixelsOf(await bytesOf(await withToken('/screenshot', { html, selector: 'h1' })));
    expect([element.width, element.height]).toEqual([50, 40]);
  });

  it('is text in base64 if asked for', async () => {
    const response = await withToken('/screenshot', { html, options: { encoding: 'base64' } });
    const { width, height } = await pixelsOf(Buffer.from(Buffer.from(await bytesOf(response)).toString(), 'base64'));
    expect([response.headers.get('content-type'), width, height]).toEqual(['text/plain; charset=utf-8', 800, 600]);
  });

  it('has been scrolled through, so that what is loaded late is there', async () => {
    const late = `<body style="margin:0;height:3000px"><script>onscroll = () => {
      if (scrollY > 1500) document.body.style.background = '#f00';
    }</script>`;
    const { at } = await pixelsOf(await bytesOf(await withToken('/screenshot', { html: late, scrollPage: true })));
    expect(at(400, 300)).toEqual(RED);
  });

  it('is seen in a larger page with Cloudflare', async () => {
    const body = { html, screenshotOptions: { omitBackground: true } };
    const { width, height } = await pixelsOf(await bytesOf(await post(`${CLOUDFLARE}/screenshot`, body)));
    expect([width, height]).toEqual([1_920, 1_080]);
  });
});

describe('/content', () => {
  it('is the HTML after its scripts have run, which no browser runs again', async () => {
    const response = await withToken('/content', { url: `${site.origin}/a` });
    const html = Buffer.from(await bytesOf(response)).toString();
    expect(html).toContain('<title>Scripted “ü”</title>');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe('sandbox');
  });

  it('is the result of an object with Cloudflare', async () => {
    const html = `<p>${'“ü” \\ "\u{1F600}" '.repeat(20_000)}</p>`;
    const response = await post(`${CLOUDFLARE}/content`, { html }, { 'X-Api-Key': key });
    expect(response.headers.get('content-type')).toBe('application/json');
    const answer = (await response.json()) as { result: string };
    expect(answer).toMatchObject({ success: true, errors: [], messages: [] });
    expect(answer.result).toContain(html);
  });
});

describe('a caller', () => {
  it('without a key is the user of COMPAT_USER', async () => {
    const response = await post('/pdf?trackingId=abc', { html: '<p>a' });
    await bytesOf(response);
    const rows = await sql`
      select u.email, j.metadata from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id
      order by j.created_at desc limit 1`;
    expect(rows).toEqual([{ email: 'guest@example.com', metadata: { trackingId: 'abc' } }]);
  });

  it('with a key that is not valid is refused, in the words of each', async () => {
    const plain = await post('/pdf?token=pdf_wrong', { html: 'a' });
    expect([plain.status, plain.headers.get('content-type')]).toEqual([401, 'text/plain; charset=UTF-8']);
    const json = await post(`${CLOUDFLARE}/pdf`, { html: 'a' }, { Authorization: 'Bearer pdf_wrong' });
    expect(json.status).toBe(401);
    expect(await json.json()).toMatchObject({ success: false, result: null, errors: [{ code: 10_000 }] });
  });

  it('is not named by its token in any line of the log', () => {
    expect(lines.filter((line) => line.includes(key))).toEqual([]);
    expect(lines.filter((line) => line.includes('"route":"/pdf"')).length).toBeGreaterThan(3);
  });
});

describe('what is refused', () => {
  it.each([
    ['/pdf', {}, 400, 'url: required: either url or html'],
    ['/pdf', 'no JSON', 400, 'JSON'],
    ['/pdf', [], 400, 'allowed: an object'],
    ['/pdf', { html: 'a', requestInterceptors: [] }, 400, 'requestInterceptors'],
    ['/pdf', { html: 'a', options: { format: 'A9' } }, 400, 'options.format: allowed: Letter'],
    ['/pdf', { html: 'a', pdfOptions: { scal: 1 } }, 400, 'pdfOptions.scal: unknown field; did you mean scale?'],
    ['/screenshot', { html: 'a', options: { quality: 5 } }, 400, 'options.quality: png has none'],
    ['/screenshot', { html: 'a', selector: '#none' }, 400, 'nothing is found by "#none"'],
    ['/pdf', { html: 'a', waitForSelector: { selector: '#none', timeout: 50 } }, 400, 'waitForSelector'],
    ['/pdf', { url: 'http://10.0.0.1/' }, 403, '10.0.0.1'],
    ['/pdf', { url: 'file:///etc/passwd' }, 400, 'url: allowed: http and https'],
    ['/function', 'export default () => 1', 404, '/function is not here: this service runs no program of its caller'],
    ['/scrape', {}, 404, '/scrape is not here'],
    ['/chromium/unblock', {}, 404, 'is not here'],
    ['/json/version', {}, 404, 'WebSocket'],
  ])('%s %j: %i', async (path, body, status, text) => {
    const response = await withToken(path, body);
    expect(await response.text()).toContain(text);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/plain; charset=UTF-8']);
  });

  it.each([
    ['pdf', { html: 'a', waitForSelector: { selector: '#none', timeout: 50 } }, 422, 'waitForSelector'],
    ['pdf', {}, 400, 'url: required'],
    ['scrape', {}, 404, 'is not here'],
  ])('%s %j of Cloudflare: %i', async (path, body, status, message) => {
    const response = await post(`${CLOUDFLARE}/${path}`, body, { Authorization: `Bearer ${key}` });
    expect(response.status).toBe(status);
    const error = { code: status, message: expect.stringContaining(message) as string };
    expect(await response.json()).toEqual({ success: false, result: null, errors: [error], messages: [] });
  });

  it('is a time-out', async () => {
    const response = await post(`/pdf?timeout=1000&token=${key}`, { url: `${site.origin}/hangs` });
    expect([response.status, await response.text()]).toEqual([408, expect.stringContaining('1 s')]);
  });

  it('is another method, another type, and a launch of a browser', async () => {
    const get = await fetch(`${address}/pdf?token=${key}`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    const typed = await post(`/pdf?token=${key}`, '<h1>a</h1>', { 'Content-Type': 'text/html' });
    expect([typed.status, await typed.text()]).toEqual([400, expect.stringContaining('application/json')]);
    const launch = await post(`/pdf?token=${key}&launch=%7B%7D`, { html: 'a' });
    expect([launch.status, await launch.text()]).toEqual([400, expect.stringContaining('launch: one browser')]);
  });

  it('is a WebSocket', async () => {
    const message = await new Promise((resolve) => {
      const socket = new WebSocket(`${address.replace('http', 'ws')}/chromium/playwright?token=${key}`);
      socket.addEventListener('error', () => resolve('refused'));
      socket.addEventListener('open', () => resolve('open'));
    });
    expect(message).toBe('refused');
  });
});
