import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

let turn = 0;
const { origin: site, env } = await startSite((request, response) => {
  const html = (text: string) => response.writeHead(200, { 'content-type': 'text/html' }).end(text);
  switch ((request.url ?? '').split('?')[0] ?? '') {
    case '/never':
      return;
    case '/round':
      response.writeHead(302, { location: `/round?${turn++}` }).end();
      return;
    case '/synchronous':
      html(`<script>const x = new XMLHttpRequest(); x.open('GET', '/never', false); x.send()</script>`);
      return;
    case '/drip': {
      response.writeHead(200, { 'content-type': 'text/html' });
      const timer = setInterval(() => response.write('<p>drip</p>'), 50);
      response.once('close', () => clearInterval(timer));
      return;
    }
    case '/gigabyte': {
      response.writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*' });
      const piece = Buffer.alloc(1024 * 1024, ' ');
      const send = (left: number): void => {
        if (left === 0) response.end();
        else response.write(piece, () => send(left - 1));
      };
      send(1024);
      return;
    }
    case '/itself':
      html(`<p>${turn++}</p><iframe src="/itself?${turn}"></iframe>`);
      return;
    default:
      response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  }
});
const { renderer } = await createRenderer({
  ...env,
  DOCUMENT_MEMORY_LIMIT_MB: '600',
  DOCUMENT_MAX_RESOURCES: '200',
  DOCUMENT_MAX_EGRESS_MB: '20',
  PDF_MAX_PAGES: '500',
  PDF_MAX_BYTES: '10000000',
});

beforeAll(async () => {
  await renderer.start();
  await pdfOf(renderer, { html: 'x' }, 'neighbour');
});
afterAll(() => renderer.stop());

const script = (code: string) => ({ html: `<body><p>hostile</p><script>${code}</script>` });
const NOISE = `const c = document.createElement('canvas'); c.width = c.height = 2000;
  const g = c.getContext('2d'); const d = g.createImageData(2000, 2000);
  for (let i = 0; i < d.data.length; i += 65536) crypto.getRandomValues(d.data.subarray(i, i + 65536));
  for (let i = 3; i < d.data.length; i += 4) d.data[i] = 255;
  g.putImageData(d, 0, 0); document.body.append(c);`;

/** Milliseconds for a document that cannot end by itself: then it is cut off. */
const LIMIT_MS = 1_000;
/** For one that can, however busy the machine is. */
const OWN_END_MS = 90_000;
/** What a busy machine may add; alone on a machine it is some milliseconds. */
const BUSY_MS = 10_000;

describe('a hostile document', () => {
  const table: [what: string, body: () => object, code: string, timeoutMs?: number][] = [
    ['that never ends a script', () => script('for (;;);'), 'render_timeout'],
    ['that begins an endless script when it has loaded', () => script('setTimeout(() => { for (;;); })'), 'render_timeout'],
    ['that asks and asks', () => script('for (let i = 0; i < 20; i++) { alert(i); confirm(i); prompt(i); }'), 'done', OWN_END_MS],
    ['that will not be left', () => script('onbeforeunload = () => "stay"; for (let i = 0; i < 5; i++) alert(i)'), 'done', OWN_END_MS],
    ['that waits for an answer synchronously', () => ({ url: `${site}/synchronous` }), 'render_timeout'],
    ['that is never idle', () => ({ ...script(`setInterval(() => fetch('${site}/x?' + Math.random()), 100)`), gotoOptions: { waitUntil: 'networkidle0' } }), 'render_timeout'],
    ['that never comes', () => ({ url: `${site}/never` }), 'render_timeout'],
    ['that comes in drips for ever', () => ({ url: `${site}/drip` }), 'render_timeout'],
    ['that redirects for ever', () => ({ url: `${site}/round` }), 'navigation_failed', OWN_END_MS],
    ['that contains itself', () => ({ url: `${site}/itself` }), 'render_timeout'],
    ['that opens windows', () => script('for (let i = 0; i < 30; i++) open("about:blank")'), 'done', OWN_END_MS],
    ['that stops for a debugger', () => script('debugger'), 'done', OWN_END_MS],
    ['that loads too much', () => script(`for (let i = 0; i < 300; i++) fetch('${site}/x?' + i)`), 'too_many_resources', OWN_END_MS],
    ['that opens ten thousand sockets', () => script(`for (let i = 0; i < 10000; i++) try { new WebSocket('${site.replace('http', 'ws')}/never?' + i) } catch {}`), 'done', OWN_END_MS],
    ['that loads a gigabyte', () => ({ html: `<p>x</p><img src="${site}/gigabyte">` }), 'done', OWN_END_MS],
    ['that is a gigabyte', () => ({ url: `${site}/gigabyte` }), 'navigation_failed', OWN_END_MS],
    ['that takes ten gigabytes', () => script('const kept = []; for (let i = 0; i < 160; i++) kept.push(new Uint8Array(64 << 20).fill(1))'), 'memory_exceeded', OWN_END_MS],
    ['that has ten thousand pages', () => ({ html: '<div style="break-after:page">x</div>'.repeat(10_000) }), 'render_timeout'],
    ['that has more pages than it may', () => ({ html: '<div style="break-after:page">x</div>'.repeat(600) }), 'too_many_pages', OWN_END_MS],
    ['that would print a gigabyte', () => script(`for (let page = 0; page < 90; page++) { ${NOISE} }`), 'memory_exceeded', OWN_END_MS],
    ['that prints more than it may', () => script(NOISE), 'pdf_too_large', OWN_END_MS],
  ]; // prettier-ignore

  it.each(table)(
    '%s ends by its name and in time, and the next document does not wait',
    async (_, body, code, timeoutMs = LIMIT_MS) => {
      const startedAt = performance.now();
      const outcome = await renderBody(renderer, { ...body(), timeoutMs }, 'mallory');
      const ms = performance.now() - startedAt;
      expect('code' in outcome ? outcome.code : outcome.kind).toBe(code);
      expect(outcome.kind).toBe(code === 'done' ? 'done' : 'reject');
      expect(ms).toBeLessThan(timeoutMs + BUSY_MS);
      const nextAt = performance.now();
      await pdfOf(renderer, { html: '<p>next</p>' }, 'neighbour');
      const next = performance.now() - nextAt;
      expect(next).toBeLessThan(BUSY_MS);
      await pdfOf(renderer, { html: '<p>again</p>' }, 'mallory');
    },
  );
});
