import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.ts';
import { startService } from '../support/service.ts';

const HTML = '<p>one</p><p style="break-before: page">two</p>';
const receiver = await startReceiver();
/** Serves a document under a name. */
const files = createServer((_, response) =>
  response.writeHead(200, { 'content-disposition': 'attachment; filename="index.html"' }).end(HTML),
);
await new Promise<void>((done) => files.listen(0, '127.0.0.1', done));
afterAll(() => void files.close());
const fileServer = `127.0.0.1:${(files.address() as AddressInfo).port}`;
const { address, key, sql } = await startService({
  worker: true,
  deliverer: { ladder: [0.1] },
  env: { COMPAT: 'gotenberg', EGRESS_ALLOW: `${receiver.authority},${fileServer}` },
});

const send = (route: string, body: FormData, headers: Record<string, string> = {}) =>
  fetch(`${address}/forms/${route}`, { method: 'POST', body, headers: { 'X-Api-Key': key, ...headers } });

let count = 0;
function places() {
  const test = String(count++);
  const at = (name: string, does = 'ok') => ({ path: `/${does}/${test}/${name}`, url: receiver.url(does, `/${test}/${name}`) }); // prettier-ignore
  return { file: at('file'), failing: at('file', 'fails'), error: at('error'), events: at('events') };
}

interface Sent {
  fields?: Record<string, string>;
  headers?: Record<string, string>;
}

const HTML_ROUTE = 'chromium/convert/html';

async function post({ fields = {}, headers = {} }: Sent, route = HTML_ROUTE, name = 'index.html') {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('files', new Blob([HTML]), name);
  const answer = await send(route, form, headers);
  return { status: answer.status, trace: answer.headers.get('gotenberg-trace'), text: await answer.text() };
}
const hook = ({ file, error }: { file: { url: string }; error: { url: string } }) => ({
  'Gotenberg-Webhook-Url': file.url,
  'Gotenberg-Webhook-Error-Url': error.url,
});

describe('a form with a webhook', () => {
  it('is answered at once, and its file is sent there', async () => {
    const at = places();
    const headers = { ...hook(at), 'Gotenberg-Output-Filename': 'invoice', 'Gotenberg-Trace': 'trace-1' };
    expect(await post({ headers })).toEqual({ status: 204, trace: 'trace-1', text: '' });
    const [got] = await receiver.got(at.file.path);
    expect(got).toMatchObject({
      method: 'POST',
      headers: {
        'content-type': 'application/pdf',
        'content-length': String(got?.body.length),
        'content-disposition': expect.stringMatching(/^attachment; filename="invoice\.pdf"/) as string,
        'gotenberg-trace': 'trace-1',
        'user-agent': 'Gotenberg',
      },
    });
    expect(got?.body).toMatch(/^%PDF-/);
    expect(receiver.to(at.error.path)).toEqual([]);
  });

  it('may have headers of its own, and a method', async () => {
    const at = places();
    const extra = JSON.stringify({ 'X-Foo': 'bar', 'Content-Disposition': 'inline' });
    const headers = { ...hook(at), 'Gotenberg-Webhook-Extra-Http-Headers': extra, 'Gotenberg-Webhook-Method': 'patch' };
    expect(await post({ headers })).toMatchObject({ status: 204 });
    const [got] = await receiver.got(at.file.path);
    expect(got).toMatchObject({ method: 'PATCH', headers: { 'x-foo': 'bar', 'content-disposition': 'inline' } });
  });

  it('of several files sends one zip, and of one the file', async () => {
    const at = places();
    await post({ fields: { splitMode: 'intervals', splitSpan: '1' }, headers: hook(at) });
    const [zip] = await receiver.got(at.file.path);
    expect([zip?.headers['content-type'], zip?.body.slice(0, 2)]).toEqual(['application/zip', 'PK']);
    const one = places();
    await post({ fields: { splitMode: 'intervals', splitSpan: '2' }, headers: hook(one) });
    const [pdf] = await receiver.got(one.file.path);
    expect([pdf?.headers['content-type'], pdf?.body.slice(0, 4)]).toEqual(['application/pdf', '%PDF']);
  });

  it('is one job for one Idempotency-Key, whether its file has a name or not', async () => {
    for (const name of ['invoice', undefined]) {
      const at = places();
      const headers = {
        ...hook(at),
        'Idempotency-Key': `webhook-${name}`,
        ...(name !== undefined && { 'Gotenberg-Output-Filename': name }),
      };
      for (let time = 0; time < 2; time++) expect(await post({ headers })).toMatchObject({ status: 204, text: '' });
      const jobs = await sql`select id from pdfprompt_job where idempotency_key = ${`webhook-${name}`}`;
      expect(jobs).toHaveLength(1);
    }
  });

  it('that fails says so to the address for errors, and to the one for events', async () => {
    const at = places();
    const headers = { ...hook(at), 'Gotenberg-Webhook-Events-Url': at.events.url, 'Gotenberg-Webhook-Error-Method': 'PUT', 'Gotenberg-Trace': 'trace-{2}' }; // prettier-ignore
    expect(await post({ fields: { nativePageRanges: '7' }, headers })).toMatchObject({ status: 204 }); // prettier-ignore
    const [error] = await receiver.got(at.error.path);
    expect(error).toMatchObject({ method: 'PUT', headers: { 'content-type': 'application/json', 'gotenberg-trace': 'trace-{2}', 'user-agent': 'Gotenberg' } }); // prettier-ignore
    const said = JSON.parse(error?.body ?? '') as { status: number; message: string };
    expect(said).toEqual({ status: 400, message: expect.stringMatching(/^nativePageRanges: /) as string });
    const [event] = await receiver.got(at.events.path);
    expect(JSON.parse(event?.body ?? '')).toEqual({
      event: 'webhook.error',
      correlationId: 'trace-{2}',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      error: said,
    });
    expect(receiver.to(at.file.path)).toEqual([]);
  });

  it('that cannot be sent says so as well, and one that was is an event', async () => {
    const at = places();
    await post({ headers: hook({ ...at, file: at.failing }) });
    expect(JSON.parse((await receiver.got(at.error.path))[0]?.body ?? '')).toEqual({
      status: 500,
      message: 'the file could not be delivered: it answered 500',
    });
    const { file, events } = places();
    await post({ headers: { 'Gotenberg-Webhook-Url': file.url, 'Gotenberg-Webhook-Events-Url': events.url, 'Gotenberg-Trace': 'trace-3' } }); // prettier-ignore
    const [event] = await receiver.got(events.path);
    expect(JSON.parse(event?.body ?? '')).toEqual({ event: 'webhook.success', correlationId: 'trace-3', timestamp: expect.any(String) as string }); // prettier-ignore
  });

  it('is refused at once if a header is wrong, or nothing may be sent there', async () => {
    const at = places();
    expect(await post({ headers: { 'Gotenberg-Webhook-Url': at.file.url } })).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^Gotenberg-Webhook-Error-Url: required/) as string,
    });
    expect(await post({ headers: hook({ ...at, file: { url: 'http://10.0.0.1/x' } }) })).toMatchObject({
      status: 403,
      text: expect.stringMatching(/^Gotenberg-Webhook-Url: nothing is sent to 10\.0\.0\.1/) as string,
    });
    expect(await post({ headers: hook({ ...at, error: { url: 'nowhere' } }) })).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^Gotenberg-Webhook-Error-Url: allowed: an absolute http/) as string,
    });
    expect(await post({ headers: hook(at) }, 'pdfengines/metadata/read', 'a.pdf')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^Gotenberg-Webhook-Url: this route answers JSON/) as string,
    });
  });
});

it('files that a form names are fetched', async () => {
  const form = new FormData();
  form.append('downloadFrom', JSON.stringify([{ url: `http://${fileServer}/x` }]));
  const answer = await send(HTML_ROUTE, form);
  expect([answer.status, (await answer.text()).slice(0, 4)]).toEqual([200, '%PDF']);
  form.set('downloadFrom', JSON.stringify([{ url: 'http://10.0.0.1/x' }]));
  const denied = await send(HTML_ROUTE, form);
  expect([denied.status, await denied.text()]).toEqual([403, expect.stringMatching(/^downloadFrom\[0\]\.url: /)]);
});
