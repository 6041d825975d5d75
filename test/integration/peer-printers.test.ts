import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../src/kernel/errors.ts';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { HttpPrinter, probeAll, type Protocol, PROTOCOLS } from '../bench/peer-printer.ts';
import { undoLater } from '../support/clean-up.ts';
import { freePort } from '../support/free-port.ts';
import { startService } from '../support/service.ts';

const service = await startService({ worker: true, env: { COMPAT: 'gotenberg,browserless' } });
const HTML = '<h1>Größe — 5 €</h1>';

async function listen(answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  const port = await listenOnLoopback(server);
  undoLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${port}`);
}

function printer(address: URL, protocol: Protocol): HttpPrinter {
  const made = new HttpPrinter(address, { name: `at ${address.host}`, protocol });
  undoLater(async () => made.close());
  return made;
}

describe('a service that is compared', () => {
  it.each([
    ['gotenberg', ({ key, url }) => ((url.password = key), url)],
    ['browserless', ({ key, url }) => (url.searchParams.set('token', key), url)],
  ] as [keyof typeof PROTOCOLS, (of: { key: string; url: URL }) => URL][])(
    'prints by the protocol of %s, with the key of its address',
    async (kind, withKey) => {
      const key = await service.newKey(`${kind}@example.com`);
      const made = printer(withKey({ key, url: new URL(service.address) }), PROTOCOLS[kind]);
      await made.probe(HTML);
      await Promise.all([made.print(HTML), made.print(`${HTML}<script>0</script>`)]);
      const jobs = await service.sql<{ status: string }[]>`
        select j.status from pdfprompt_job j
        join pdfprompt_user u on u.id = j.user_id where u.email = ${`${kind}@example.com`}`;
      expect(jobs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    },
  );

  it('of ours is asked on behalf of another tenant each time', async () => {
    const keys = await Promise.all([1, 2].map((index) => service.newKey(`tenant${index}@example.com`)));
    const made = new HttpPrinter(new URL(service.address), {
      name: 'ours',
      protocol: PROTOCOLS.pdfprompt,
      headers: () => ({ authorization: `Bearer ${keys.pop() ?? 'none'}` }),
    });
    undoLater(async () => made.close());
    await made.print(HTML);
    await made.print(HTML);
    await expect(made.print(HTML)).rejects.toThrow(/^answered 401/);
  });

  it('is sent what jsreport takes, below the path of its address', async () => {
    const seen: unknown[] = [];
    const address = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        seen.push(request.method, request.url, JSON.parse(Buffer.concat(chunks).toString()));
        response.end('%PDF-1.4 %%EOF');
      });
    });
    address.pathname = '/reports/';
    await printer(address, PROTOCOLS.jsreport).print(HTML);
    const chrome = { format: 'Letter', printBackground: true, tagged: false };
    const template = { content: HTML, engine: 'none', recipe: 'chrome-pdf', chrome };
    expect(seen).toEqual(['POST', '/reports/api/report', { template }]);
  });

  it('may have the routes of an image with several browsers', async () => {
    const paths: (string | undefined)[] = [];
    const address = await listen((request, response) => {
      request.resume();
      paths.push(request.url);
      response.writeHead(request.url === '/chromium/pdf' ? 200 : 404).end('%PDF-1.4 %%EOF');
    });
    const made = printer(address, PROTOCOLS.browserless);
    await made.probe(HTML);
    await made.print(HTML);
    expect(paths).toEqual(['/pdf', '/chromium/pdf', '/chromium/pdf']);
  });

  it('that does not print is named with its flag, all of them at once', async () => {
    const silent = new URL(`http://127.0.0.1:${await freePort()}`);
    const page = await listen((request, response) => void (request.resume(), response.end('<html>hello</html>')));
    const broken = await listen((request) => void request.socket.destroy());
    const others = [
      { flag: 'gotenberg', printer: printer(silent, PROTOCOLS.gotenberg) },
      { flag: 'jsreport', printer: printer(page, PROTOCOLS.jsreport) },
      { flag: 'browserless', printer: printer(broken, PROTOCOLS.browserless) },
      { flag: 'jsreport', printer: printer(new URL(service.address), PROTOCOLS.jsreport) },
    ];
    const error = await probeAll(others).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperatorError);
    const lines = (error as Error).message.split('\n');
    expect(lines).toEqual([
      `--gotenberg (at ${silent.host}): connect ECONNREFUSED ${silent.host}`,
      `--jsreport (at ${page.host}): the answer does not begin with %PDF-`,
      `--browserless (at ${broken.host}): socket hang up`,
      expect.stringMatching(/^--jsreport \(at 127.*\): answered 404: /),
    ]);
  });
});
