import type { IncomingMessage } from 'node:http';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { readPdf } from '../support/pdf.ts';
import { undoLater } from '../support/clean-up.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const requests: IncomingMessage[] = [];
const { origin: site, env } = await startSite((request, response) => {
  requests.push(request);
  const path = request.url ?? '/';
  if (path === '/teapot') response.writeHead(418, { 'content-type': 'text/html' }).end('<h1>I am a teapot</h1>');
  else if (path === '/missing.png') response.writeHead(404).end();
  else if (path.startsWith('/status/'))
    response.writeHead(Number(/\d+/.exec(path)?.[0]), { 'content-type': 'text/html' }).end('<p>page</p>');
  else if (path === '/image/200')
    response.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>');
  else if (path === '/to-404') response.writeHead(302, { location: '/status/404' }).end();
  else if (path.startsWith('/font'))
    response
      .writeHead(200, {
        'content-type': 'font/woff2',
        ...(path === '/font-of-another' && { 'access-control-allow-origin': 'https://another.example' }),
      })
      .end();
  else if (path === '/slow.png') setTimeout(() => response.writeHead(404).end(), 700);
  else if (path === '/never') return;
  else if (path === '/cut') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write('<p>the beginning</p>', () => response.destroy());
  } else if (path === '/redirect') response.writeHead(302, { location: '/page' }).end();
  else if (path === '/late')
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        `<p id=x>early</p><script>fetch('/slow.png').finally(() => document.getElementById('x').textContent = 'late')</script>`,
      );
  else
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        `<title>Page</title><p>cookie=${request.headers.cookie ?? ''} agent=${request.headers['user-agent'] ?? ''} extra=${String(request.headers['x-extra'] ?? '')}</p>`,
      );
});
const { renderer } = await createRenderer({ EGRESS_ALLOW: `${env.EGRESS_ALLOW},localhost:${new URL(site).port}` });
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const render = (body: object) => renderBody(renderer, body);
const pdf = (body: object) => pdfOf(renderer, body);

async function read(body: object) {
  return readPdf(Buffer.concat((await pdf(body)).chunks));
}

const text = async (body: object) => (await read(body)).text.join(' ').replaceAll(/\s+/g, ' ');

/** The drawing commands of every page, inflated. */
async function content(body: object): Promise<string> {
  const bytes = Buffer.concat((await pdf(body)).chunks);
  let found = '';
  for (let at = bytes.indexOf('stream\n'); at !== -1; at = bytes.indexOf('stream\n', at + 1)) {
    try {
      found += inflateSync(bytes.subarray(at + 7)).toString('latin1');
    } catch {
      // not a compressed stream
    }
  }
  return found;
}

const raw = async (body: object) => Buffer.concat((await pdf(body)).chunks).toString('latin1');
const pages = (count: number) =>
  Array.from({ length: count }, (_, index) => `<div style="break-after:page">page ${index + 1} of it</div>`)
    .join('')
    .replace(/<div style="break-after:page">(?!.*<div)/, '<div>');

describe('options', () => {
  it.each([
    ['Letter by default', {}, [612, 792]],
    ['format', { format: 'A4' }, [595, 842]],
    ['format in small letters', { format: 'a5' }, [420, 595]],
    ['landscape', { format: 'A4', landscape: true }, [842, 595]],
    ['width and height', { width: '10cm', height: '5in' }, [283, 360]],
    ['a width alone', { width: 480 }, [360, 792]],
  ])('paper: %s', async (_, options, size) => {
    const { size: found } = await read({ html: '<p>x</p>', options });
    expect(Math.abs(found[0] - (size[0] ?? 0))).toBeLessThanOrEqual(1);
    expect(Math.abs(found[1] - (size[1] ?? 0))).toBeLessThanOrEqual(1);
  });

  it('preferCSSPageSize: the document chooses its paper', async () => {
    const html = '<style>@page { size: 4in 6in }</style><p>x</p>';
    expect((await read({ html, options: { preferCSSPageSize: true } })).size).toEqual([288, 432]);
    expect((await read({ html })).size).toEqual([612, 792]);
  });

  it('margin: what is left holds less', async () => {
    const html = `<style>body{margin:0}</style>${'<p>line</p>'.repeat(28)}`;
    expect((await read({ html })).pages).toBe(1);
    expect((await read({ html, options: { margin: { top: '3in', bottom: '76mm' } } })).pages).toBeGreaterThan(1);
  });

  it('scale: half the size holds more', async () => {
    const html = `<style>body{margin:0}</style>${'<p>line</p>'.repeat(120)}`;
    expect((await read({ html, options: { scale: 0.5 } })).pages).toBeLessThan((await read({ html })).pages);
  });

  it('pageRanges: only these pages', async () => {
    const result = await read({ html: pages(5), options: { pageRanges: '2-3, 5' } });
    expect(result.text.map((page) => page.trim())).toEqual(['page 2 of it', 'page 3 of it', 'page 5 of it']);
  });

  it('displayHeaderFooter: page numbers come out', async () => {
    const options = {
      displayHeaderFooter: true,
      headerTemplate: '<span style="font-size:9px">head</span>',
      footerTemplate:
        '<span style="font-size:9px"><span class="pageNumber"></span>/<span class="totalPages"></span></span>',
      margin: { top: '1in', bottom: '1in' },
    };
    const result = await read({ html: pages(2), options });
    expect(result.text[0]).toMatch(/head/);
    expect(result.text[1]).toMatch(/2\s*\/\s*2/);
  });

  it.each([
    ['empty', { headerTemplate: '', footerTemplate: '' }, 'body'],
    ['blank', { headerTemplate: ' ', footerTemplate: '\n' }, 'body'],
    ['none', {}, 'body'],
    ['the address of html', { footerTemplate: '<i style="font-size:9px">[<i class="url"></i>]</i>' }, 'body []'],
  ])('displayHeaderFooter: nothing that nobody asked for: %s', async (_, templates, found) => {
    const html = '<title>internal</title><p>body';
    const margin = { top: '1in', bottom: '1in' };
    expect(await text({ html, options: { displayHeaderFooter: true, margin, ...templates } })).toBe(found);
  });

  it.each([
    ['@page { size: A4 }', { landscape: true }, [842, 842]],
    ['@page { size: A4 } @page wide { size: A3 } b { page: wide }', { landscape: true }, [842, 842]],
    ['@page { size: A4 landscape }', { landscape: true }, [842, 842]],
    ['@page { size: A4 }', { landscape: true, preferCSSPageSize: true }, [595, 595]],
    ['@page { size: A4 } @page wide { size: A4 landscape } b { page: wide }', { preferCSSPageSize: true }, [595, 842]],
    ['', {}, [595, 595]], // nothing of the ones before is left
  ])('landscape and @page: %s %o', async (style, options, widths) => {
    const html = `<style>${style} b { display: block; break-before: page; text-align: right }</style><p>x</p><b>right</b>`;
    const { chunks } = await pdf({ html, options: { format: 'A4', ...options } });
    const boxes = [
      ...Buffer.concat(chunks)
        .toString('latin1')
        .matchAll(/\/MediaBox \[0 0 ([\d.]+)/g),
    ];
    expect(boxes).toHaveLength(widths.length);
    for (const [page, [, width]] of boxes.entries())
      expect(Math.abs(Number(width) - (widths[page] ?? 0))).toBeLessThanOrEqual(1);
  });

  it('tagged: a language that exists, unless the document says one', async () => {
    expect(await raw({ html: '<p>x', options: { tagged: true } })).toMatch(/\/Lang \(en-US\)/);
    expect(await raw({ html: '<html lang="de"><p>x', options: { tagged: true } })).toMatch(/\/Lang \(de\)/);
  });

  it('printBackground: on unless switched off', async () => {
    const html = '<div style="background:rgb(255,0,0);width:50px;height:50px"></div>';
    expect(await content({ html })).toMatch(/\b1 0 0 rg\b/);
    expect(await content({ html, options: { printBackground: false } })).not.toMatch(/\b1 0 0 rg\b/);
  });

  it('omitBackground: no white under the page', async () => {
    const html = '<p>x</p>';
    expect((await pdf({ html, options: { omitBackground: true } })).pages).toBe(1);
  });

  it('tagged and outline: structure and bookmarks only when asked for', async () => {
    const html = '<h1>One</h1><p>a</p><h2>Two</h2><p>b</p>';
    const plain = await raw({ html });
    expect(plain).not.toContain('/StructTreeRoot');
    expect(plain).not.toContain('/Outlines');
    expect(await raw({ html, options: { tagged: true } })).toContain('/StructTreeRoot');
    expect(await raw({ html, options: { outline: true, tagged: true } })).toContain('/Outlines');
  });
});

describe('the page count', () => {
  it.each([1, 2, 9, 60])('is what a reader finds: %i', async (count) => {
    const result = await pdf({ html: pages(count), options: { outline: true } });
    expect(result.pages).toBe(count);
    expect((await readPdf(Buffer.concat(result.chunks))).pages).toBe(count);
  });
});

describe('the page', () => {
  it('emulateMediaType: print by default', async () => {
    const html =
      '<style>.s{display:none} @media screen {.s{display:block} .p{display:none}}</style><p class=s>on screen</p><p class=p>in print</p>';
    expect(await text({ html })).toBe('in print');
    expect(await text({ html, emulateMediaType: 'screen' })).toBe('on screen');
  });

  it('viewport: what scripts and media queries see', async () => {
    const html =
      '<p id=x></p><script>document.getElementById("x").textContent = `${innerWidth}x${innerHeight}@${devicePixelRatio}`</script>';
    expect(await text({ html })).toBe('800x600@1');
    expect(await text({ html, viewport: { width: 1234, height: 567, deviceScaleFactor: 2 } })).toBe('1234x567@2');
  });

  it('setJavaScriptEnabled: off, nothing runs', async () => {
    const html =
      '<p id=x>as sent</p><noscript>no scripts</noscript><script>document.getElementById("x").textContent = "changed"</script>';
    expect(await text({ html })).toBe('changed');
    expect(await text({ html, setJavaScriptEnabled: false })).toBe('as sent no scripts');
  });

  it('cookies, setExtraHTTPHeaders, userAgent: reach the server', async () => {
    const found = await text({
      url: `${site}/page`,
      cookies: [{ name: 'session', value: 'abc' }],
      setExtraHTTPHeaders: { 'X-Extra': 'yes' },
      userAgent: 'printer/1',
    });
    expect(found).toBe('cookie=session=abc agent=printer/1 extra=yes');
  });

  it.each([
    { domain: '127.0.0.1' },
    { domain: '127.0.0.1', path: '/', sameSite: 'Lax', httpOnly: true },
    { domain: '127.0.0.1', sameSite: 'Strict', expires: 4_000_000_000 },
    { url: `${site}/` },
    {},
  ])('cookies: reach a server that is named by its address, with %j', async (where) => {
    const cookies = [{ name: 'yummy', value: 'choco', ...where }];
    expect(await text({ url: `${site}/page`, cookies })).toContain('cookie=yummy=choco');
  });

  it('cookies: with a leading dot they are for subdomains too', async () => {
    const cookies = ['localhost', '.localhost'].map((domain, index) => ({ name: `c${index}`, value: 'x', domain }));
    const url = `${site.replace('127.0.0.1', 'localhost')}/page`;
    expect(await text({ url, cookies })).toMatch(/cookie=c0=x; c1=x|cookie=c1=x; c0=x/);
  });

  it('waitForSelector: what is there and not visible is waited for, if that is asked for', async () => {
    const html = `<p id="x" style="display:none">later</p><script>setTimeout(() => x.style.display = 'block', 300)</script>`;
    expect(await text({ html, waitForSelector: { selector: '#x' } })).toBe('');
    expect(await text({ html, waitForSelector: { selector: '#x', visible: true } })).toBe('later');
  });

  it('cookies of one job are not there in the next', async () => {
    await text({ url: `${site}/page`, cookies: [{ name: 'session', value: 'abc' }] });
    expect(await text({ url: `${site}/page` })).toMatch(/^cookie= agent=/);
  });

  it('gotoOptions.waitUntil: a quiet network is waited for', async () => {
    expect(await text({ url: `${site}/late` })).toBe('early');
    expect(await text({ url: `${site}/late`, gotoOptions: { waitUntil: 'networkidle0' } })).toBe('late');
  });

  it('gotoOptions.waitUntil with html too', async () => {
    const html = `<p id=x>early</p><script>fetch('${site}/slow.png', {mode:'no-cors'}).finally(() => document.getElementById('x').textContent = 'late')</script>`;
    expect(await text({ html, gotoOptions: { waitUntil: ['load', 'networkidle2'] } })).toMatch(/early|late/);
    expect(await text({ html, gotoOptions: { waitUntil: 'networkidle0' } })).toBe('late');
  });

  it('gotoOptions.waitUntil: a new page is as quiet as one that was used', async () => {
    for (let page = 0; page < 8; page++) {
      await text({ html: '<p>x', viewport: { width: 100, height: 100 } }); // after this one it is replaced
      expect(await text({ html: '<p>quiet', gotoOptions: { waitUntil: 'networkidle0' } })).toBe('quiet');
    }
  });

  it('waitForSelector and waitForTimeout: what comes later is printed', async () => {
    const html = '<script>setTimeout(() => document.body.innerHTML = "<p id=done>done</p>", 300)</script>';
    expect(await text({ html, waitForSelector: { selector: '#done' } })).toBe('done');
    expect(await text({ html, waitForTimeout: 600 })).toBe('done');
  });

  it('follows redirects', async () => {
    expect(await text({ url: `${site}/redirect` })).toMatch(/^cookie=/);
  });

  it('dismisses dialogs', async () => {
    expect(
      await text({ html: '<p>before</p><script>alert(1); confirm(2); document.body.append("after")</script>' }),
    ).toMatch(/before\s*after/);
  });
});

describe('what fails', () => {
  it.each([
    [
      'a status of 400 or more',
      () => ({ url: `${site}/teapot` }),
      'document_status',
      /answered 418; to print it anyway, set failOnStatus to false/,
    ],
    [
      'a server that may not be asked',
      () => ({ url: 'http://127.0.0.1:4321/' }),
      'egress_denied',
      /could not be reached: it is not on the public internet, and EGRESS_ALLOW does not open it$/,
    ],
    [
      'a name that is nobody’s',
      () => ({ url: 'https://nobody.invalid/' }),
      'navigation_failed',
      /could not be reached$/,
    ],
    ['a server that breaks off', () => ({ url: `${site}/cut` }), 'navigation_failed', /was cut off: ERR_\w+$/],
    [
      'a server that never answers',
      () => ({ url: `${site}/never`, gotoOptions: { timeout: 300 } }),
      'render_timeout',
      /loading until load took longer than 300 ms/,
    ],
    [
      'a document that never ends',
      () => ({ html: '<script>while(1);</script>', timeoutMs: 1_000 }),
      'render_timeout',
      /longer than 1000 ms; allow more with timeoutMs/,
    ],
    [
      'page ranges beyond the document',
      () => ({ html: 'x', options: { pageRanges: '7' } }),
      'page_ranges_invalid',
      /^options\.pageRanges: "7"/,
    ],
    [
      'margins larger than the paper',
      () => ({ html: 'x', options: { margin: { left: '9in' } } }),
      'print_failed',
      /^options\.margin: /,
    ],
    [
      'a selector that never comes',
      () => ({ html: 'x', waitForSelector: { selector: '#x', timeout: 100 } }),
      'selector_not_found',
      /^waitForSelector\.selector: it did not appear within 100 ms/,
    ],
    [
      'a selector that has as much time as the job',
      () => ({ html: 'x', waitForSelector: { selector: '#x', timeout: 300_000 }, timeoutMs: 1_000 }),
      'render_timeout',
      /longer than \d+ ms; allow more with timeoutMs/,
    ],
    [
      'a selector that is never visible',
      () => ({ html: '<p id=x hidden>', waitForSelector: { selector: '#x', visible: true, timeout: 100 } }),
      'selector_not_found',
      /^waitForSelector\.selector: it did not appear within 100 ms/,
    ],
    [
      'a selector that is none',
      () => ({ html: 'x', waitForSelector: { selector: '##' } }),
      'selector_not_found',
      /^waitForSelector\.selector: it is not a valid selector/,
    ],
    [
      'a dead image, if asked to',
      () => ({ html: `<img src="${site}/missing.png">`, failOnResourceError: true }),
      'resource_failed',
      /^resources of the document failed:\nhttp:\S+\/missing\.png - 404 Not Found$/,
    ],
  ])('%s', async (_, body, code, message) => {
    expect(await render(body())).toMatchObject({ kind: 'reject', code, message: expect.stringMatching(message) });
  });

  it.each([
    ['http://2130706433:4321/', 'EGRESS_ALLOW'],
    ['http://0x7f.1/', 'EGRESS_ALLOW'],
    ['http://[::ffff:10.0.0.1]/', 'EGRESS_ALLOW'],
    ['http://169.254.169.254/latest/meta-data/', 'EGRESS_ALLOW'],
    ['https://10.0.0.1/', 'EGRESS_ALLOW'],
    ['http://localhost/', 'EGRESS_ALLOW'],
    ['https://a.localhost/', 'EGRESS_ALLOW'],
    ['http://1.1.1.1:8443/', 'ports other than 80 and 443'],
    ['http://nobody.invalid:8443/', 'ports other than 80 and 443'],
  ])('%s is refused, and it is said by which setting: as a document, and as an image of one', async (url, setting) => {
    expect(await render({ url })).toMatchObject({ code: 'egress_denied', message: expect.stringContaining(setting) });
    const { failedResources } = await pdf({ html: `<img src="${url}">` });
    expect(failedResources).toEqual([
      { url: new URL(url).href, reason: expect.stringMatching(`^egress_denied: .*${setting}`) },
    ]);
  });

  it.each([
    ['/font', 'cors: the server did not send Access-Control-Allow-Origin'],
    [
      '/font-of-another',
      'cors: the server sent Access-Control-Allow-Origin: https://another.example, which is another origin',
    ],
  ])('a font of another origin, %s, says what its server should send', async (path, reason) => {
    const style = `<style>@font-face { font-family: f; src: url("${site}${path}") } p { font-family: f }</style>`;
    const { failedResources } = await pdf({ html: `${style}<p>x</p>` });
    expect(failedResources).toEqual([{ url: `${site}${path}`, reason }]);
    expect(await render({ html: `${style}<p>x</p>`, failOnResourceError: true })).toMatchObject({
      code: 'resource_failed',
      message: `resources of the document failed:\n${site}${path} - ${reason}`,
    });
  });

  it('a name that is nobody\u2019s is just not reached', async () => {
    const { failedResources } = await pdf({ html: '<img src="https://nobody.invalid/a.png">' });
    expect(failedResources).toEqual([{ url: 'https://nobody.invalid/a.png', reason: 'unreachable' }]);
  });

  it('failOnStatus off: the error page is printed', async () => {
    expect(await text({ url: `${site}/teapot`, failOnStatus: false })).toBe('I am a teapot');
  });

  it.each([
    [[], [], ['418', '503', '200']],
    [['4xx'], ['418'], ['503', '200']],
    [['400-417', '419-499', 503], ['503'], ['418', '200']],
    [['418'], ['418'], ['503', '200']],
    [['2XX', 599], ['200'], ['418', '503']],
    [['100-599'], ['200', '418', '503'], []],
  ])('failOnStatus %j: fails these statuses and no others', async (failOnStatus, failing, passing) => {
    const of = (status: string) => render({ url: `${site}/status/${status}`, failOnStatus });
    for (const status of failing)
      expect(await of(status)).toMatchObject({
        code: 'document_status',
        message: `${site}/status/${status} answered ${status}; to print it anyway, set failOnStatus to other statuses`,
      });
    for (const status of passing) expect(await of(status)).toMatchObject({ kind: 'done' });
    // A document of ours has no status that anybody asks about.
    for (const script of ['', '<script>typeof localStorage</script>'])
      expect(await render({ html: `<p>x</p>${script}`, failOnStatus })).toMatchObject({ kind: 'done' });
  });

  it.each<[settings: unknown, lines: string[]]>([
    [true, ['nobody', '404', '503', 'to404', 'relative', 'kept']],
    [false, []],
    [{ statuses: [] }, []],
    [{ statuses: ['4xx'] }, ['404', 'to404']],
    [{ statuses: ['500-599'] }, ['503']],
    [{ statuses: [200] }, ['200']],
    [{ statuses: ['3xx'] }, []],
    [{ unreachable: true }, ['nobody', 'relative', 'kept']],
    [{ statuses: [503, 404], unreachable: true }, ['nobody', '404', '503', 'to404', 'relative', 'kept']],
    [{ statuses: ['4xx'], ignore: ['0.0.1'] }, ['404', 'to404']],
    [{ statuses: ['4xx'], unreachable: true, ignore: ['127.0.0.1'] }, ['nobody', 'relative']],
    [{ unreachable: true, ignore: ['invalid'] }, ['relative', 'kept']],
    [{ unreachable: true, ignore: ['img.NOBODY.invalid'] }, ['relative', 'kept']],
    [{ unreachable: true, ignore: ['body.invalid', 'a.img.nobody.invalid'] }, ['nobody', 'relative', 'kept']],
  ])('failOnResourceError %j: lists what fails', async (failOnResourceError, names) => {
    const at = (path: string) => `${site}${path}`;
    const lines: Record<string, string> = {
      nobody: 'http://img.nobody.invalid/a.png - unreachable',
      '404': `${at('/missing.png')} - 404 Not Found`,
      '503': `${at('/status/503')} - 503 Service Unavailable`,
      to404: `${at('/status/404')} - 404 Not Found`,
      '200': `${at('/image/200')} - 200 OK`,
      kept: `${at('/status/200')} - ERR_BLOCKED_BY_ORB`,
      relative: 'logo.png - the document has no base URL',
    };
    const sources = ['http://img.nobody.invalid/a.png?x', at('/missing.png'), at('/missing.png#2'), at('/status/503'), at('/to-404'), at('/status/200'), at('/image/200'), 'logo.png'];
    const outcome = await render({ html: sources.map((src) => `<img src="${src}">`).join(''), failOnResourceError });
    if (names.length === 0) return expect(outcome).toMatchObject({ kind: 'done' });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'resource_failed' });
    const [head, ...found] = 'message' in outcome ? outcome.message.split('\n') : [];
    expect(head).toBe('resources of the document failed:');
    const shown = found.map((line) => line.replace(/^(logo.png - ).*/, `$1the document has no base URL`));
    expect(new Set(shown)).toEqual(new Set(names.map((name) => lines[name])));
    expect(found).toHaveLength(names.length);
  }); // prettier-ignore

  it('has the status of the first resource of a page, which is told of before its request', async () => {
    const fresh = await createRenderer(env);
    undoLater(() => fresh.renderer.stop());
    await fresh.renderer.start();
    const busy = '<script>for (const end = performance.now() + 500; performance.now() < end; );</script>';
    const html = `<img src="${site}/status/503">${busy}`;
    expect(await renderBody(fresh.renderer, { html, failOnResourceError: true })).toMatchObject({
      code: 'resource_failed',
      message: `resources of the document failed:\n${site}/status/503 - 503 Service Unavailable`,
    });
  });

  it('lists as many failed resources as are read', async () => {
    const html = Array.from({ length: 50 }, (_, index) => `<img src="${site}/status/404?${index}">`).join('');
    const many = Array.from({ length: 30 }, (_, index) => `<img src="${site}/${index}/${'x'.repeat(2_000)}">`).join('');
    const messageOf = async (body: object) => ((await render(body)) as { message: string }).message;
    expect((await messageOf({ html, failOnResourceError: true })).split('\n')).toHaveLength(2); // they are shown without a query
    const message = await messageOf({ html: many, failOnResourceError: { unreachable: true } });
    expect(message.split('\n').at(-1)).toBe('and 10 more');
    expect(message.length).toBeLessThan(11_000);
  });

  it('a dead image fails nothing by itself, and is listed', async () => {
    const result = await pdf({ html: `<p>all the same</p><img src="${site}/missing.png">` });
    expect(result.failedResources).toEqual([{ url: `${site}/missing.png`, reason: 'status 404' }]);
  });

  it('an interrupted document ends at once', async () => {
    const parsed = parsePdfRequest({ html: 'x', waitForTimeout: 20_000 });
    if (!parsed.ok) throw new Error('refused');
    const abort = new AbortController();
    const startedAt = performance.now();
    setTimeout(() => abort.abort(), 300);
    expect(await renderer.render(onlyPart(parsed.request), { tenant: 'ann', signal: abort.signal })).toEqual({
      kind: 'interrupted',
    });
    expect(performance.now() - startedAt).toBeLessThan(15_000); // and not after the 20 s
  });
});
