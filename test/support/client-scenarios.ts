import type * as Client from '../../src/client/client.ts';

// What the client does, against a real service, in whatever runtime this is imported: nothing here needs Node.

export interface ScenarioContext {
  client: typeof Client;
  url: string;
  /** of a user of its own, without limits */
  key: string;
}

type Scenario = (context: Required<ScenarioContext> & { pdfprompt: Client.Pdfprompt }) => Promise<void>;

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

/** What the promise was rejected with. */
const failure = async (promise: Promise<unknown>): Promise<Client.PdfpromptError> =>
  promise.then(
    (value) => {
      throw new Error(`it succeeded: ${JSON.stringify(value)}`);
    },
    (error: Client.PdfpromptError) => error,
  );

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of list) items.push(item);
  return items;
}

const startOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes.slice(0, 5));

/** A stream of so many pieces of 64 KB. */
function streamOf(pieces: number): ReadableStream<Uint8Array> {
  let left = pieces;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(65_536).fill(left % 256));
      else controller.close();
    },
  });
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A fetch whose calls go through `each` first. */
const through =
  (each: (call: number, send: () => Promise<Response>, init: RequestInit) => Promise<Response>): typeof fetch =>
  (input, init = {}) =>
    each(++calls, () => fetch(input, init), init);
let calls = 0;

/** A client whose first calls are answered otherwise. */
function unlucky(
  { client, url, key }: ScenarioContext,
  answers: ((send: () => Promise<Response>) => Promise<Response>)[],
  options: Partial<Client.PdfpromptOptions> = {},
): Client.Pdfprompt {
  const rest = [...answers];
  const fetch = through(async (_, send) => (rest.shift() ?? ((next) => next()))(send));
  return new client.Pdfprompt({ url, key, fetch, ...options });
}

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const pixel = () => Uint8Array.from(atob(PIXEL), (character) => character.charCodeAt(0));

export const scenarios: Record<string, Scenario> = {
  'pdf: a document comes back as bytes, with its job': async ({ pdfprompt }) => {
    const pdf = await pdfprompt.pdf({ html: '<h1>Hello</h1>', filename: 'grüße.pdf' });
    equal([pdf.type, pdf.filename, pdf.failedResources], ['application/pdf', 'grüße.pdf', 0]);
    const bytes = await pdf.bytes();
    equal([startOf(bytes), bytes.length], ['%PDF-', pdf.size]);
    const job = await pdfprompt.jobs.get(pdf.jobId ?? '');
    equal([job.status, job.file?.size], ['completed', bytes.length]);
  },

  'pdf: files of every kind are sent with it': async ({ pdfprompt }) => {
    const html = ['style.css', 'img/a b.png', 'img/"ä".png', 'img/streamed.png'].map((path) =>
      path.endsWith('css') ? `<link rel="stylesheet" href="${path}">` : `<img src='${encodeURI(path)}'>`,
    );
    const files = {
      'index.html': new Blob([html.join('')], { type: 'text/html' }),
      'style.css': 'p { color: red }',
      'img/a b.png': pixel(),
      'img/"ä".png': pixel().buffer,
      'img/streamed.png': new Blob([pixel()]).stream(),
    };
    const pdf = await pdfprompt.pdf({}, { files });
    equal([pdf.failedResources, startOf(await pdf.bytes())], [0, '%PDF-']);
    const missing = await pdfprompt.pdf({ html: '<img src="gone.png">', files: { 'a.txt': { text: 'x' } } });
    equal(missing.failedResources, 1);
    await missing.stream.cancel();
  },

  'pdf: one that takes long is waited for, and comes back all the same': async ({ client, url, key }) => {
    const impatient: typeof fetch = (input, init) => {
      const headers = init?.headers as Record<string, string>;
      return fetch(input, { ...init, headers: { ...headers, ...(headers.Prefer && { Prefer: 'wait=0' }) } });
    };
    const pdfprompt = new client.Pdfprompt({ url, key, fetch: impatient });
    const pdf = await pdfprompt.pdf({ html: '<h1>Late</h1>', split: { every: 1 } }, { zip: true });
    equal(startOf(await pdf.bytes()).slice(0, 2), 'PK');
    const error = await failure(pdfprompt.pdf({ html: 'x', waitForSelector: { selector: '#never', timeout: 100 } }));
    equal([error.name, error.code, error.jobId?.length], ['PdfpromptError', 'selector_not_found', 36]);
  },

  'pdf: what fails is told by its code': async ({ client, url, pdfprompt }) => {
    const invalid = await failure(pdfprompt.pdf({ html: 'x', options: { scale: 9 } }));
    equal([invalid.code, invalid.status, invalid.fields[0]?.field], ['invalid_request', 400, 'options.scale']);
    equal([invalid instanceof client.PdfpromptError, invalid instanceof Error], [true, true]);
    equal(typeof invalid.requestId, 'string');
    const stranger = new client.Pdfprompt({ url, key: 'pdf_wrong' });
    const unknown = await failure(stranger.usage());
    equal([unknown.code, unknown.status], ['unauthenticated', 401]);
    const failed = await failure(pdfprompt.pdf({ html: 'x', waitForSelector: { selector: '#never', timeout: 100 } }));
    equal([failed.code, failed.status, failed.jobId?.length], ['selector_not_found', 422, 36]);
    const nobody = new client.Pdfprompt({ url: 'http://127.0.0.1:1', key: 'pdf_x', retries: 1 });
    equal((await failure(nobody.usage())).code, 'unreachable');
  },

  'pdf: it ends when its signal says so, or its time is over': async ({ pdfprompt }) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    controller.abort(reason);
    equal((await failure(pdfprompt.pdf({ html: 'x' }, { signal: controller.signal }))) === reason, true);
    const slow = { html: 'slow', waitForTimeout: 60_000 };
    const later = new AbortController();
    const promise = failure(pdfprompt.pdf({ ...slow, metadata: { stopped: 1 } }, { signal: later.signal }));
    const [job] = await untilFound(pdfprompt, 'stopped');
    later.abort(reason);
    equal((await promise) === reason, true);
    await pdfprompt.jobs.cancel(job?.id ?? '');
    const error = await failure(pdfprompt.pdf(slow, { timeoutMs: 900 }));
    equal([error.code, error.jobId?.length], ['timeout', 36]);
    equal((await pdfprompt.jobs.cancel(error.jobId ?? '')).status, 'cancelled');
  },

  'pdf: its time is over when it comes back: a download may take longer': async ({ client, url, key }) => {
    let finish: () => void = () => undefined;
    const slow: typeof fetch = async (_, init) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
          finish = () => {
            controller.enqueue(pixel());
            controller.close();
          };
        },
      });
      return new Response(body);
    };
    const timeoutMs = 1_000;
    const pdf = await new client.Pdfprompt({ url, key, fetch: slow }).pdf({ html: 'x' }, { timeoutMs });
    await waited(timeoutMs + 200);
    finish();
    equal((await pdf.bytes()).length, pixel().length);
  },

  'pdf: an error names the job that is under way': async (context) => {
    const accepted = async () =>
      new Response('{"id":"of-a-job"}', { status: 202, headers: { 'x-job-id': 'of-a-job' } });
    const lost = async (): Promise<Response> => {
      throw new TypeError('the connection was lost');
    };
    const error = await failure(unlucky(context, [accepted, lost], { retries: 0 }).pdf({ html: 'x' }));
    equal([error.name, error.code, error.jobId], ['PdfpromptError', 'unreachable', 'of-a-job']);
  },

  'downloads: they are read as streams, and may be left': async ({ pdfprompt }) => {
    const pdf = await pdfprompt.pdf({ html: '<p>page</p>'.repeat(2_000) });
    let bytes = 0;
    const reader = pdf.stream.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) bytes += piece.value.length;
    equal(bytes, pdf.size);
    const left = await pdfprompt.jobs.pdf(pdf.jobId ?? '');
    await left.stream.cancel();
    equal((await (await pdfprompt.jobs.pdf(pdf.jobId ?? '')).blob()).size, bytes);
  },

  'jobs: made, listed over pages, cancelled, retried': async ({ pdfprompt }) => {
    const runAt = new Date(Date.now() + 86_400_000).toISOString();
    const made: Client.Job[] = [];
    for (let n = 0; n < 23; n++) made.push(await pdfprompt.jobs.create({ html: 'later', runAt, metadata: { n } }));
    const listed = await all(pdfprompt.jobs.list({ status: 'scheduled' }));
    equal(listed.map(({ metadata }) => metadata.n).toReversed(), made.map(({ metadata }) => metadata.n)); // prettier-ignore
    let first: Client.Job | undefined;
    for await (const job of pdfprompt.jobs.list({ status: 'scheduled' })) {
      first = job;
      break;
    }
    equal(first?.metadata.n, 22);
    for (const { id } of made) equal((await pdfprompt.jobs.cancel(id)).status, 'cancelled');
    const retried = await pdfprompt.jobs.retry(made[0]?.id ?? '');
    equal(retried.id === made[0]?.id, false);
    await pdfprompt.jobs.cancel(retried.id);
    equal((await failure(pdfprompt.jobs.get(crypto.randomUUID()))).code, 'not_found');
  },

  'jobs: their files and links': async ({ pdfprompt }) => {
    const job = await pdfprompt.jobs.create({ parts: [{ html: 'a' }, { html: 'b' }], split: { every: 1 } });
    equal((await pdfprompt.jobs.wait(job.id)).status, 'completed');
    const files = await pdfprompt.jobs.files(job.id);
    equal(files.length, 2);
    equal((await (await pdfprompt.jobs.pdf(job.id, { file: 1 })).bytes()).length, files[1]?.size);
    const link = await pdfprompt.jobs.link(job.id, { file: 1, expiresIn: 60 });
    equal(link.url.includes('/v1/links/'), true);
    await pdfprompt.jobs.revokeLinks(job.id);
    equal(await pdfprompt.jobs.deliveries(job.id), []);
    await pdfprompt.jobs.deletePdf(job.id);
    await pdfprompt.jobs.deletePdf(job.id);
    equal(
      (await pdfprompt.jobs.files(job.id)).map(({ url }) => url),
      [null, null],
    );
  },

  'jobs: one key makes one job': async ({ pdfprompt }) => {
    const idempotencyKey = crypto.randomUUID();
    const runAt = new Date(Date.now() + 86_400_000).toISOString();
    const request = { html: 'once', runAt };
    const ids = [1, 2, 3].map(async () => (await pdfprompt.jobs.create(request, { idempotencyKey })).id);
    const [id = '', ...others] = await Promise.all(ids);
    equal(others, [id, id]);
    const error = await failure(pdfprompt.jobs.create({ ...request, html: 'twice' }, { idempotencyKey }));
    equal(error.code, 'idempotency_mismatch');
    await pdfprompt.jobs.cancel(id);
  },

  'jobs: their events come as they happen': async ({ pdfprompt }) => {
    const { id } = await pdfprompt.jobs.create({ html: 'x', metadata: { from: 'events' } });
    for await (const event of pdfprompt.jobs.stream({ jobs: [id], types: ['job.completed'] })) {
      equal([event.type, event.data.id, event.data.metadata.from], ['job.completed', id, 'events']);
      break;
    }
  },

  'jobs: a stream of events goes on after its connection is lost, and repeats none': async (context) => {
    const { pdfprompt } = context;
    const first = await pdfprompt.jobs.create({ html: '1' });
    await pdfprompt.jobs.wait(first.id);
    // The first connection ends behind the first event.
    const cut = async (send: () => Promise<Response>): Promise<Response> => {
      const response = await send();
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      while (!text.includes('data:')) text += new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      return new Response(text.replaceAll(/retry: \d+/g, 'retry: 10'), {
        headers: { 'content-type': 'text/event-stream' },
      });
    };
    const second = await pdfprompt.jobs.create({ html: '2', runAt: new Date(Date.now() + 86_400_000).toISOString() });
    const found: string[] = [];
    // Then the service is away for longer than a call is tried again.
    const away = [503, 0, 502, 504, 429, 0].map((status) => async () => {
      if (status === 0) throw new TypeError('the connection was lost');
      return new Response('', { status });
    });
    const unsteady = unlucky(context, [cut, ...away], { retries: 0 });
    for await (const { data } of unsteady.jobs.stream({ jobs: [first.id, second.id] })) {
      found.push(data.id);
      if (found.length === 1) await pdfprompt.jobs.cancel(second.id);
      if (found.length === 2) break;
    }
    equal(found, [first.id, second.id]);
    const never = unlucky(context, away, { retries: 0 }).jobs.stream({ jobs: [first.id] });
    equal((await failure(never.next())).status, 503);
    const refused = unlucky(context, [cut, async () => new Response('', { status: 403 })]);
    equal((await failure(all(refused.jobs.stream({ jobs: [first.id] })))).status, 403);
  },

  'retries: a lost answer makes no second job': async (context) => {
    const { pdfprompt } = context;
    const lost = async (send: () => Promise<Response>): Promise<Response> => {
      await (await send()).arrayBuffer();
      throw new TypeError('the connection was lost');
    };
    const cutOff = async (send: () => Promise<Response>): Promise<Response> => {
      const { status, headers } = await send();
      const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError('cut off')) });
      return new Response(body, { status, headers });
    };
    const runAt = new Date(Date.now() + 86_400_000).toISOString();
    const request = { html: 'once', runAt, metadata: { lost: 1 } };
    const job = await unlucky(context, [lost, cutOff, lost]).jobs.create(request);
    const listed = await all(pdfprompt.jobs.list({ status: 'scheduled' }));
    equal(listed.filter(({ metadata }) => metadata.lost === 1).map(({ id }) => id), [job.id]); // prettier-ignore
    await pdfprompt.jobs.cancel(job.id);
    const pdf = await unlucky(context, [lost]).pdf({ html: 'again' });
    equal(startOf(await pdf.bytes()), '%PDF-');
    // What breaks off in the middle is fetched again.
    const whole = await unlucky(context, [cutOff]).pdf({ html: 'in the middle' });
    equal(startOf(await whole.bytes()), '%PDF-');
  },

  'retries: a busy service is asked again when it says so, and no later than that': async (context) => {
    const busy = (status: number, retryAfter?: string) => async (): Promise<Response> =>
      new Response('{"code":"busy","detail":"later"}', {
        status,
        headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
      });
    const asked = unlucky(context, [busy(429, '0'), busy(503, '0'), busy(502), busy(504)]);
    equal(typeof (await asked.usage()).tier, 'string');
    const tired = await failure(unlucky(context, [busy(503, '0'), busy(503, '0')], { retries: 1 }).usage());
    equal([tired.code, tired.status, tired.retryAfter], ['busy', 503, 0]);
    const tomorrow = await failure(unlucky(context, [busy(429, '86400')]).usage());
    equal([tomorrow.status, tomorrow.retryAfter], [429, 86_400]);
    const at = new Date(Date.now() + 3_600_000).toUTCString();
    const dated = await failure(unlucky(context, [busy(503, at)]).usage());
    equal((dated.retryAfter ?? 0) > 3_500, true);
    // A link may have been made, and is not made twice.
    const link = await failure(unlucky(context, [busy(503)]).jobs.link(crypto.randomUUID()));
    equal(link.code, 'busy');
  },

  'retries: what a lost call has deleted is deleted': async (context) => {
    const { pdfprompt } = context;
    const lost = async (send: () => Promise<Response>): Promise<Response> => {
      await (await send()).arrayBuffer();
      throw new TypeError('the connection was lost');
    };
    const busy = async () => new Response('', { status: 429, headers: { 'retry-after': '0' } });
    const deletes: ((client: Client.Pdfprompt) => Promise<void>)[] = [
      (client) => client.templates.delete('gone'),
      (client) => client.schedules.delete('gone'),
    ];
    await pdfprompt.templates.put('gone', { files: { 'index.html': { text: 'x' } } });
    await pdfprompt.schedules.put('gone', {
      cron: '0 8 * * 1',
      timezone: 'Europe/Berlin',
      request: { html: 'x' },
      paused: true,
    });
    const hook = await pdfprompt.webhooks.create({ url: 'https://hooks.example.com/gone', events: ['job.failed'] });
    deletes.push((client) => client.webhooks.delete(hook.id));
    for (const each of deletes) {
      await each(unlucky(context, [lost]));
      // A limit has done nothing: what is not there then was never there.
      equal((await failure(each(unlucky(context, [busy])))).code, 'not_found');
      equal((await failure(each(pdfprompt))).code, 'not_found');
    }
  },

  'keys: one that no header can have is refused at once': async ({ client, url }) => {
    const keys = ['pdf_…', 'pdf_a\nb', 'pdf_\u0000', '', undefined as unknown as string];
    for (const key of keys) {
      const error = await failure((async () => new client.Pdfprompt({ url, key }))());
      equal([error.name, error.code, error.message.startsWith('key: ')], ['PdfpromptError', 'invalid_key', true]);
    }
  },

  'pages without HTTPS: ids are made without crypto.randomUUID': async ({ pdfprompt }) => {
    const own = Object.getOwnPropertyDescriptor(crypto, 'randomUUID');
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
    try {
      const pdf = await pdfprompt.pdf({}, { files: { 'index.html': 'x' } });
      equal(startOf(await pdf.bytes()), '%PDF-');
    } finally {
      if (own) Object.defineProperty(crypto, 'randomUUID', own);
      else delete (crypto as Partial<Crypto>).randomUUID; // the prototype has it
    }
  },

  'assets: megabytes are streamed there and back': async ({ pdfprompt }) => {
    const expected = await sha256(await new Response(streamOf(48)).arrayBuffer());
    const asset = await pdfprompt.assets.put(streamOf(48), { type: 'font/woff2' });
    equal([asset.id, asset.size, asset.type], [expected, 48 * 65_536, 'font/woff2']);
    const back = await pdfprompt.assets.get(asset.id);
    equal(await sha256((await back.bytes()).buffer), expected);
    equal((await pdfprompt.assets.put(new Blob([pixel()], { type: 'image/png' }))).type, 'image/png');
  },

  'batches: from rows to a zip': async ({ pdfprompt }) => {
    const request = { filename: 'letter-{row}.pdf' };
    const batch = await pdfprompt.batches.create({
      request,
      items: [{ html: 'one' }, { markdown: '# two' }],
      result: 'zip',
    });
    const ended = await pdfprompt.batches.wait(batch.id);
    equal([ended.status, ended.items.completed], ['completed', 2]);
    const items = await all(pdfprompt.batches.items(batch.id));
    equal(items.map(({ filename }) => filename), ['letter-1.pdf', 'letter-2.pdf']); // prettier-ignore
    equal(startOf(await (await pdfprompt.batches.zip(batch.id)).bytes()).slice(0, 2), 'PK');
    equal((await all(pdfprompt.batches.list())).map(({ id }) => id).includes(batch.id), true);
  },

  'batches: from a CSV to one PDF': async ({ pdfprompt }) => {
    const rows = { content: new Blob(['name\nAnn\nBea\n']).stream(), type: 'csv' as const };
    const files = { 'index.html': '<h1>{{ name }}</h1>' };
    await pdfprompt.templates.put('letter', { files: { 'index.html': { text: '<h1>{{ name }}</h1>' } } });
    const batch = await pdfprompt.batches.create({ request: { template: 'letter' }, result: 'merged' }, { rows });
    equal((await pdfprompt.batches.wait(batch.id)).items.total, 2);
    equal(startOf(await (await pdfprompt.batches.pdf(batch.id)).bytes()), '%PDF-');
    equal((await failure(pdfprompt.batches.cancel(crypto.randomUUID()))).code, 'not_found');
    equal((await failure(pdfprompt.batches.retry(batch.id))).code, 'batch_not_retryable');
    equal((await pdfprompt.templates.put('letter', {}, { files })).version, 1);
  },

  'templates: saved, shown, deleted': async ({ pdfprompt }) => {
    const files = { 'index.html': '<h1>{{ n }}</h1><img src="a/b.png">', 'a/b.png': pixel() };
    const saved = await pdfprompt.templates.put('note', { description: 'A note' }, { files });
    equal([saved.name, saved.version, Object.keys(saved.files)], ['note', 1, ['a/b.png', 'index.html']]);
    const preview = await pdfprompt.templates.preview('note', { data: { n: 1 } });
    equal([startOf(await preview.bytes()), preview.failedResources], ['%PDF-', 0]);
    equal((await pdfprompt.templates.get('note@1')).description, 'A note');
    equal((await all(pdfprompt.templates.list())).some(({ name }) => name === 'note'), true); // prettier-ignore
    equal((await all(pdfprompt.templates.versions('note'))).length, 1);
    await pdfprompt.templates.delete('note');
    equal((await failure(pdfprompt.templates.get('note'))).code, 'not_found');
  },

  'schedules, webhooks and usage': async ({ pdfprompt }) => {
    const put = await pdfprompt.schedules.put('weekly', {
      cron: '0 8 * * 1',
      timezone: 'Europe/Berlin',
      request: { html: 'x' },
      paused: true,
    });
    equal([put.name, (await pdfprompt.schedules.get('weekly')).paused], ['weekly', true]);
    equal((await pdfprompt.jobs.wait((await pdfprompt.schedules.run('weekly')).id)).status, 'completed');
    equal((await all(pdfprompt.schedules.runs('weekly'))).length, 1);
    equal((await all(pdfprompt.schedules.list())).length, 1);
    await pdfprompt.schedules.delete('weekly');
    const hook = await pdfprompt.webhooks.create({ url: 'https://hooks.example.com/pdf', events: ['job.failed'] });
    equal(hook.secret.startsWith('whsec_'), true);
    equal((await pdfprompt.webhooks.put(hook.id, { url: hook.url, enabled: false })).enabled, false);
    equal((await pdfprompt.webhooks.get(hook.id)).disabledReason, 'asked');
    equal((await pdfprompt.webhooks.rotate(hook.id)).secret === hook.secret, false);
    equal((await pdfprompt.webhooks.secret()).secret, (await pdfprompt.webhooks.secret()).secret);
    equal((await all(pdfprompt.webhooks.list())).length, 1);
    equal(await all(pdfprompt.webhooks.deliveries(hook.id)), []);
    await pdfprompt.webhooks.delete(hook.id);
    equal((await pdfprompt.usage({ days: 1 })).today.completed > 0, true);
  },

  'verifyWebhook: what was signed, and nothing else': async ({ client }) => {
    const { verifyWebhook } = client;
    const secret = `whsec_${btoa('a secret of thirty-two characters')}`;
    const payload = JSON.stringify({ type: 'webhook.test', data: { text: 'grüße' } });
    const seconds = Math.floor(Date.now() / 1000);
    const headers = await signed({ secret, payload, seconds });
    equal((await verifyWebhook(payload, headers, secret)).type, 'webhook.test');
    equal((await verifyWebhook(new TextEncoder().encode(payload), new Headers(headers), secret)).type, 'webhook.test');
    const old = `whsec_${btoa('another')}`;
    await verifyWebhook(payload, headers, [old, secret]);
    const signature = headers['webhook-signature'];
    await verifyWebhook(payload, { ...headers, 'webhook-signature': `v1,AAAA v2,x ${signature}` }, secret);
    await verifyWebhook(payload, { ...headers, 'Webhook-Id': headers['webhook-id'] }, secret);
    const refused: [string, Record<string, string>, string][] = [
      [`${payload} `, headers, secret],
      [payload, headers, old],
      [payload, { ...headers, 'webhook-id': 'other' }, secret],
      [payload, { ...headers, 'webhook-timestamp': String(seconds + 1) }, secret],
      [payload, { ...headers, 'webhook-signature': signature.replace('v1,', 'v1a,') }, secret],
      [payload, { ...headers, 'webhook-signature': `${signature.slice(0, -3)}x==` }, secret],
      [payload, { ...headers, 'webhook-signature': 'v1,' }, secret],
      [payload, {}, secret],
      [payload, await signed({ secret, payload, seconds: seconds - 301 }), secret],
      [payload, await signed({ secret, payload, seconds: seconds + 302 }), secret],
    ];
    for (const [body, sent, with_] of refused)
      equal((await failure(verifyWebhook(body, sent, with_))).code, 'invalid_signature');
    for (const wrong of ['whsec_?', 'whsec_', '', [], [secret, 'whsec_?'], undefined as unknown as string]) {
      const error = await failure(verifyWebhook(payload, headers, wrong));
      equal([error.name, error.code, error.message.slice(0, 8)], ['PdfpromptError', 'invalid_secret', 'secret: ']);
    }
    for (const parsed of [JSON.parse(payload), {}, undefined, null, [1]] as string[]) {
      const error = await failure(verifyWebhook(parsed, headers, secret));
      equal([error.name, error.code, error.message.slice(0, 9)], ['PdfpromptError', 'invalid_payload', 'payload: ']);
    }
  },
};

/** The headers of a message, signed by other means than the client's. */
async function signed(message: { secret: string; payload: string; seconds: number }) {
  const { secret, payload, seconds } = message;
  const raw = Uint8Array.from(atob(secret.slice(6)), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const text = new TextEncoder().encode(`msg_1.${seconds}.${payload}`);
  const signature = String.fromCharCode(...new Uint8Array(await crypto.subtle.sign('HMAC', key, text)));
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${btoa(signature)}`,
  };
}

const waited = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** The jobs with a member of `metadata`, as soon as there is one. */
async function untilFound(pdfprompt: Client.Pdfprompt, name: string): Promise<Client.Job[]> {
  for (;;) {
    const found = (await all(pdfprompt.jobs.list())).filter(({ metadata }) => name in metadata);
    if (found.length > 0) return found;
    await waited(50);
  }
}

/** What became of one scenario; `error`: why it failed. */
export interface ScenarioResult {
  name: string;
  error?: string;
}

/** Runs all of them, one after another. @public In other runtimes it is called by its name. */
export async function runScenarios(context: ScenarioContext): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const name of Object.keys(scenarios)) {
    const error = await runScenario(name, context).then(
      () => undefined,
      (reason: unknown) =>
        reason instanceof Error ? `${reason.name}: ${reason.message}\n${reason.stack}` : String(reason),
    );
    results.push(error === undefined ? { name } : { name, error });
  }
  return results;
}

/** Runs one of them. */
export async function runScenario(name: string, context: ScenarioContext): Promise<void> {
  const { client, url, key } = context;
  await scenarios[name]?.({ ...context, pdfprompt: new client.Pdfprompt({ url, key }) });
}
