import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { OperatorError, messageOf } from '../../src/kernel/errors.ts';

/** What makes PDFs: a service, or a browser. */
export interface Printer {
  name: string;
  /** @throws if what comes is not a PDF */
  print: (html: string) => Promise<unknown>;
}

interface Call {
  headers: Record<string, string>;
  body: Buffer;
}

/** How a service is asked for a PDF. All are asked for the same: letter paper, no margins, backgrounds, no tags. */
export interface Protocol {
  /** The first that is there is used. */
  paths: readonly string[];
  call: (html: string) => Call;
}

const asJson = (value: unknown): Call => ({
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const ANSWER_WITHIN_MS = 60_000;
const LETTER = { format: 'Letter', printBackground: true, tagged: false };
const GOTENBERG_FIELDS = {
  paperWidth: '8.5',
  paperHeight: '11',
  marginTop: '0',
  marginRight: '0',
  marginBottom: '0',
  marginLeft: '0',
  printBackground: 'true',
};

/** `pdfprompt` is our own. */
export const PROTOCOLS = {
  gotenberg: { paths: ['/forms/chromium/convert/html'], call: (html) => asForm(GOTENBERG_FIELDS, html) },
  jsreport: {
    paths: ['/api/report'],
    call: (html) => asJson({ template: { content: html, engine: 'none', recipe: 'chrome-pdf', chrome: LETTER } }),
  },
  browserless: { paths: ['/pdf', '/chromium/pdf'], call: (html) => asJson({ html, options: LETTER }) },
  pdfprompt: { paths: ['/v1/pdf'], call: (html) => asJson({ html }) },
} as const satisfies Record<string, Protocol>;

function asForm(fields: Readonly<Record<string, string>>, html: string): Call {
  const boundary = 'a-boundary-of-the-benchmark-7d1c9f';
  const part = (headers: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; ${headers}\r\n\r\n${value}\r\n`;
  const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value));
  parts.push(part('name="files"; filename="index.html"\r\ncontent-type: text/html', html), `--${boundary}--\r\n`);
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.from(parts.join('')),
  };
}

/** For each document, beside those of the protocol: whose it is. */
type MakeHeaders = () => Record<string, string> | Promise<Record<string, string>>;

/** A service that is asked by HTTP, for each document on a connection of its own if others are under way. */
export class HttpPrinter implements Printer {
  readonly name: string;
  readonly #address: URL;
  readonly #protocol: Protocol;
  readonly #headers: MakeHeaders;
  readonly #agent: Agent;
  /** the request of each document that was printed before */
  readonly #calls = new Map<string, Call>();
  #path: string;

  /** @param address its path comes before the protocol's, its query is sent along, its user and password are HTTP's */
  constructor(
    address: URL,
    { name, protocol, headers = () => ({}) }: { name: string; protocol: Protocol; headers?: MakeHeaders },
  ) {
    this.name = name;
    this.#address = address;
    this.#protocol = protocol;
    this.#path = protocol.paths[0] ?? '/';
    this.#headers = headers;
    this.#agent = new (address.protocol === 'https:' ? TlsAgent : Agent)({ keepAlive: true });
  }

  /** Finds the path that it answers, by printing. @throws an error that says what was wrong */
  async probe(html: string): Promise<void> {
    for (const path of this.#protocol.paths) {
      this.#path = path;
      const { status, body } = await this.#send(html);
      if (status !== 404 || path === this.#protocol.paths.at(-1)) return checkAnswer(status, body);
    }
  }

  async print(html: string): Promise<void> {
    const { status, body } = await this.#send(html);
    checkAnswer(status, body);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(html: string): Promise<{ status: number; body: Buffer }> {
    const call = this.#calls.get(html) ?? this.#protocol.call(html);
    this.#calls.set(html, call);
    const url = new URL(this.#address);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${this.#path}`;
    const headers = { ...call.headers, 'content-length': call.body.byteLength, ...(await this.#headers()) };
    return new Promise((done, failed) => {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const options = { agent: this.#agent, method: 'POST', headers, signal };
      const sent = (url.protocol === 'https:' ? requestTls : request)(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.once('error', failed);
      });
      sent.once('error', (error) =>
        failed(signal.aborted ? new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`, { cause: error }) : error),
      );
      sent.end(call.body);
    });
  }
}

const START_OF_ERROR = 120;

/** @throws if it is not a whole PDF */
export function checkAnswer(status: number, body: Uint8Array): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (status !== 200) {
    const text = bytes.subarray(0, START_OF_ERROR).toString().replaceAll(/\s+/g, ' ').trim();
    throw new Error(`answered ${status}${text === '' ? '' : `: ${text}`}`);
  }
  if (bytes.subarray(0, 5).toString('latin1') !== '%PDF-') throw new Error('the answer does not begin with %PDF-');
  if (!/%%EOF\s*$/.test(bytes.subarray(-32).toString('latin1')))
    throw new Error('the answer does not end with %%EOF: it is not whole');
}

/** @throws OperatorError that names the flag of each that prints nothing, and why */
export async function probeAll(printers: readonly { flag: string; printer: HttpPrinter }[]): Promise<void> {
  const problems = await Promise.all(
    printers.map(async ({ flag, printer }) => {
      try {
        await printer.probe('<h1>Hello</h1>');
        return [];
      } catch (error) {
        // AggregateError, of a host with several addresses, has no message of its own.
        const cause = error instanceof AggregateError ? error.errors[0] : error;
        return [`--${flag} (${printer.name}): ${messageOf(cause)}`];
      }
    }),
  );
  if (problems.flat().length > 0) throw new OperatorError(problems.flat().join('\n'));
}
