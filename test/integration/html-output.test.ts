import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { createAdminKey, signIn } from '../support/console.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

const { origin: site, env } = await startSite(({ url }, response) => {
  if (url === '/xml') response.writeHead(200, { 'content-type': 'text/xml' }).end('<?xml version="1.0"?><a><b/></a>');
  else if (url === '/latin')
    response.writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1' }).end(Buffer.from('<p>\xe4', 'latin1'));
  else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>page');
});
const service = await startService({ worker: true, env: { ...env, PDF_MAX_BYTES: '1000000' } });
const { request } = service;

async function htmlOf(body: object): Promise<string> {
  const parsed = parsePdfRequest({ ...body, output: 'html' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const part = { ...onlyPart(parsed.request), isHtmlWanted: true };
  const outcome = await service.renderer?.render(part, { tenant: 'ann' });
  if (outcome?.kind !== 'done')
    return outcome && 'code' in outcome ? `${outcome.code}: ${outcome.message}` : 'interrupted';
  expect(outcome.pdf).toMatchObject({ type: 'text/html', pages: 1 });
  const bytes = Buffer.concat(outcome.pdf.chunks);
  expect(outcome.pdf.size).toBe(bytes.byteLength);
  return bytes.toString();
}
const page = (inside: string, head = '') => `<html><head>${head}</head><body>${inside}</body></html>`;

describe('the HTML of a page', () => {
  it.each<[what: string, body: object, html: string]>([
    ['is that of a static document, with its doctype', { html: '<!doctype html><p>x' }, `<!DOCTYPE html>${page('<p>x</p>')}`],
    ['is without one that is not there', { html: '<p>x' }, page('<p>x</p>')],
    ['is what a script made of it', { html: '<p id="x"></p><script>x.textContent = "ä😀 \\ud800"</script>' }, page('<p id="x">ä😀 \ufffd</p><script>x.textContent = "ä😀 \\ud800"</script>')],
    ['is that of scripts switched off', { html: '<noscript>off</noscript><script>1</script>', setJavaScriptEnabled: false }, page('off<script>1</script>', '<noscript></noscript>')],
    ['keeps relative addresses and has no base of ours', { html: '<img src="a.svg"><a href="b.html#c">b</a>', files: { 'a.svg': { text: '<svg xmlns="http://www.w3.org/2000/svg"/>' } } }, page('<img src="a.svg"><a href="b.html#c">b</a>')],
    ['keeps links of a document with an origin', { html: '<a href="/b#c">b</a><script>typeof localStorage</script>' }, page('<a href="/b#c">b</a><script>typeof localStorage</script>')],
    ['has what the request adds', { html: '<p>x</p>', addStyleTag: [{ content: 'p{}' }] }, page('<p>x</p>', '<style>p{}</style>')],
    ['is waited for', { html: '<p id="x"></p><script>setTimeout(() => x.className = "late", 200)</script>', waitForSelector: { selector: '.late' } }, page('<p id="x" class="late"></p><script>setTimeout(() => x.className = "late", 200)</script>')],
    ['is of the screen, which print does not change', { html: '<p id="x"></p><script>matchMedia("print").onchange = () => x.textContent = "print"; x.textContent = matchMedia("screen").matches</script>' }, page('<p id="x">true</p><script>matchMedia("print").onchange = () => x.textContent = "print"; x.textContent = matchMedia("screen").matches</script>')],
    ['is of the viewport', { html: '<script>document.write(innerWidth)</script>', viewport: { width: 321, height: 200 } }, page('321', '<script>document.write(innerWidth)</script>')],
    ['does not depend on what scripts have changed', { html: '<p>x</p><script>Blob = XMLSerializer = 1; Object.defineProperty(Element.prototype, "outerHTML", { get: () => "no" })</script>' }, page('<p>x</p><script>Blob = XMLSerializer = 1; Object.defineProperty(Element.prototype, "outerHTML", { get: () => "no" })</script>')],
    ['is that of a URL', { url: `${site}/` }, `<!DOCTYPE html>${page('<p>page</p>')}`],
    ['is UTF-8 whatever the page was', { url: `${site}/latin` }, page('<p>ä</p>')],
    ['is empty if everything was removed', { html: '<p>x</p><script>document.documentElement.remove()</script>' }, ''],
  ])('%s', async (_, body, html) => {
    expect(await htmlOf(body)).toBe(html);
  }); // prettier-ignore

  it('may be as large as a PDF', async () => {
    const of = (bytes: number) => htmlOf({ html: `<script>document.write('x'.repeat(${bytes}))</script>` });
    expect((await of(900_000)).length).toBeGreaterThan(900_000);
    expect(await of(3_000_000)).toMatch(/^pdf_too_large: the HTML is larger than 1000000 bytes$/);
    expect(await htmlOf({ html: '<p>next' })).toBe(page('<p>next</p>'));
  });
});

describe('a job that makes HTML', () => {
  const attached = {
    'content-type': 'text/html; charset=utf-8',
    'content-disposition': `attachment; filename="page.html"; filename*=UTF-8''page.html`,
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
  const submit = async (body: object) => {
    const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) });
    const { id } = (await response.json()) as Job;
    return (await (await request(`/v1/jobs/${id}?wait=30`)).json()) as Job;
  };

  it('has one file, which no answer shows in a browser', async () => {
    const job = await submit({ markdown: '# A', output: { type: 'html' }, filename: 'page' });
    expect(job).toMatchObject({ status: 'completed', file: { type: 'text/html', pages: 1 } });
    const link = async (via: object) => {
      const made = await request(`/v1/jobs/${job.id}/link`, { method: 'POST', body: JSON.stringify(via) });
      const found = (await made.json()) as { url: string; disposition: string };
      expect(found.disposition).toBe('attachment');
      return fetch(found.url);
    };
    const operator = await signIn(service.address, (await createAdminKey(service)).key);
    const answers = [
      await request(`/v1/jobs/${job.id}/pdf`),
      await request(`/v1/jobs/${job.id}/pdf?disposition=inline`),
      await request(`/v1/jobs/${job.id}/files/0?disposition=inline`),
      await link({}),
      await link({ disposition: 'inline' }),
      await operator.get(`/console/jobs/${job.id}/pdf?disposition=inline`),
      await operator.get(`/console/jobs/${job.id}/files/0?disposition=inline`),
    ];
    for (const answer of answers) {
      expect(Object.fromEntries(answer.headers)).toMatchObject({ ...attached, 'x-frame-options': expect.any(String) as string });
      expect(await answer.text()).toMatch(/<h1[^>]*>A<\/h1>/);
    }
    expect((await operator.get(`/console/jobs/${job.id}/files/0/thumbnail`)).status).toBe(404);
    const page = await (await operator.get(`/console/jobs/${job.id}`)).text();
    expect(page).toContain('it can be downloaded only');
    expect(page).not.toMatch(/<iframe|<img[^>]*files/);
    const files = (await (await request(`/v1/jobs/${job.id}/files`)).json()) as { data: object[] };
    expect(files.data).toEqual([expect.objectContaining({ type: 'text/html' })]);
    const zip = await request(`/v1/jobs/${job.id}/pdf`, { headers: { accept: 'application/zip' } });
    expect([zip.headers.get('content-type'), (await zip.text()).includes('page.html')]).toEqual(['application/zip', true]);
  }); // prettier-ignore

  it('is answered at once by POST /v1/pdf, with what did not load', async () => {
    const body = { html: '<img src="a.png">', output: 'html', filename: 'page.HTML' };
    const answer = await request('/v1/pdf', { method: 'POST', body: JSON.stringify(body) });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      ...attached,
      'content-disposition': `attachment; filename="page.HTML"; filename*=UTF-8''page.HTML`,
      'x-failed-resources': '1',
    });
    expect(await answer.text()).toBe(page('<img src="a.png">'));
  });

  it.each([
    [{ finishing: { rotate: 90 } }, 'finishing: html has no PDF; allowed with output pdf'],
    [{ split: { every: 1 } }, 'split: html has no PDF; allowed with output pdf'],
    [{ output: { type: 'html', pages: '1' } }, 'output.pages: allowed with png, jpeg and webp'],
    [{ output: { type: 'html', quality: 1 } }, 'output.quality: html has none; allowed with jpeg and webp'],
    [{ output: { type: 'html', selector: 'p' } }, 'output.selector: allowed with png, jpeg and webp'],
    [{ output: 'htm' }, 'output: allowed: pdf, png, jpeg, webp, html, json, or an object with type, quality, pages, dpi, fullPage, clip, selector, omitBackground'],
    [{ html: undefined, parts: [{ html: 'x' }] }, 'output: parts is not one page of a browser; allowed with output pdf'],
    [{ html: undefined, pdf: { job: '01890a5d-ac96-774b-bcce-b302099a8057' } }, 'output: pdf is not one page of a browser; allowed with output pdf'],
  ])('%j is refused by name', (fields, problem) => {
    const parsed = parsePdfRequest(JSON.parse(JSON.stringify({ html: 'x', output: 'html', ...fields })));
    expect(parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`)).toContain(problem);
  }); // prettier-ignore
});
