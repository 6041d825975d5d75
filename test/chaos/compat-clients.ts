import { setTimeout as sleep } from 'node:timers/promises';
import { rawPdf } from '../support/raw-pdf.ts';
import { readPdf } from '../support/pdf.ts';

const KINDS = ['html', 'html', 'html', 'slow', 'merge', 'picture'] as const;
type Kind = (typeof KINDS)[number];

/** Milliseconds: longer than anything is away that is started again. */
const PATIENCE_MS = 180_000;
const PAUSE_MS = 200;

interface CompatClientsOptions {
  addresses: string[];
  keys: string[];
  requests: number;
  slots: number;
}

/** What became of a request. */
export interface Answered {
  /** of its `Idempotency-Key`, if it has one */
  nonce: string;
  hasKey: boolean;
  /** requests that were sent for it */
  sent: number;
  /** of the answers before the file; 0: there was none */
  statuses: number[];
  /** what is wrong with the file; undefined: nothing */
  wrong: string | undefined;
}

/** Clients of Gotenberg: each sends a form until it has its file. Every other one says which requests are the same. */
export class CompatClients {
  readonly ledger: Answered[] = [];
  readonly #options: CompatClientsOptions;
  #next = 0;

  constructor(options: CompatClientsOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.slots }, (_, slot) => this.#slot(slot)));
  }

  async #slot(slot: number): Promise<void> {
    const { keys, requests } = this.#options;
    while (this.#next < requests) {
      const number = this.#next++;
      const nonce = `nonce${number}x${Math.random().toString(36).slice(2, 10)}`;
      const kind = KINDS[number % KINDS.length] as Kind;
      this.ledger.push(await this.#ask({ kind, nonce, hasKey: number % 2 === 0, key: keys[slot % keys.length] ?? '' }));
    }
  }

  async #ask({
    kind,
    nonce,
    hasKey,
    key,
  }: {
    kind: Kind;
    nonce: string;
    hasKey: boolean;
    key: string;
  }): Promise<Answered> {
    const { addresses } = this.#options;
    const { path, form } = requestOf(kind, nonce);
    const headers = { authorization: `Bearer ${key}`, ...(hasKey && { 'idempotency-key': nonce }) };
    const answered: Answered = { nonce, hasKey, sent: 0, statuses: [], wrong: undefined };
    for (const startedAt = performance.now(); performance.now() - startedAt < PATIENCE_MS; await sleep(PAUSE_MS)) {
      const address = addresses[Math.floor(Math.random() * addresses.length)] ?? '';
      answered.sent++;
      const signal = AbortSignal.timeout(60_000);
      const response = await fetch(`${address}${path}`, { method: 'POST', headers, body: form(), signal }).catch(
        () => undefined,
      );
      const bytes = await response?.arrayBuffer().catch(() => undefined);
      if (!response || !bytes || response.status !== 200) {
        answered.statuses.push(bytes ? (response?.status ?? 0) : 0);
        continue;
      }
      return { ...answered, wrong: await faultOf(kind, nonce, Buffer.from(bytes)) };
    }
    return { ...answered, wrong: 'it was never answered with a file' };
  }
}

function requestOf(kind: Kind, nonce: string): { path: string; form: () => FormData } {
  const html = new Blob([`<h1>${nonce}</h1>`]);
  const form = (fields: Record<string, string>, files: Record<string, Blob>) => () => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    for (const [name, blob] of Object.entries(files)) body.append('files', blob, name);
    return body;
  };
  const pdfs = { '2.pdf': blobOf(`${nonce} b`), '1.pdf': blobOf(`${nonce} a`) };
  switch (kind) {
    case 'html':
      return { path: '/forms/chromium/convert/html', form: form({}, { 'index.html': html }) };
    case 'slow':
      return { path: '/forms/chromium/convert/html', form: form({ waitDelay: '800ms' }, { 'index.html': html }) };
    case 'picture':
      return { path: '/forms/chromium/screenshot/html', form: form({ format: 'png' }, { 'index.html': html }) };
    case 'merge':
      return { path: '/forms/pdfengines/merge', form: form({}, pdfs) };
  }
}

/** A PDF that says so. */
function blobOf(text: string): Blob {
  const font = '/Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>';
  return new Blob([new Uint8Array(rawPdf({ page: font, content: `BT /F 12 Tf 20 150 Td (${text}) Tj ET` }))]);
}

async function faultOf(kind: Kind, nonce: string, bytes: Buffer): Promise<string | undefined> {
  if (kind === 'picture') return bytes.subarray(1, 4).toString() === 'PNG' ? undefined : 'it is no PNG';
  const { text } = await readPdf(bytes).catch((error: unknown) => ({ text: [String(error)] }));
  const wanted = kind === 'merge' ? [`${nonce} a`, `${nonce} b`] : [nonce];
  const isRight = text.length === wanted.length && wanted.every((words, page) => text[page]?.includes(words));
  return isRight ? undefined : `it says ${text.join(' | ').slice(0, 80)}`;
}
