import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 100;
/** Milliseconds: longer than anything is away that is started again. */
const PATIENCE_MS = 120_000;

interface Sent {
  method: string;
  path: string;
  key: string;
  headers?: Record<string, string>;
  body?: string;
  /** rows and what they have in common, as a form, instead of a body */
  form?: () => FormData;
  timeoutMs?: number;
}

/** Sends requests as a client should: again and again, to any API, until one is answered. */
export class Sender {
  /** requests that were not answered, or with 5xx */
  refused = 0;
  readonly #addresses: string[];

  constructor(addresses: string[]) {
    this.#addresses = addresses;
  }

  /** @returns the body of an answer below 500 @throws if it says that the request is wrong, or if there is none for minutes */
  async send({ method, path, key, headers, body, form, timeoutMs = 8_000 }: Sent): Promise<string> {
    let last = 'nothing';
    for (const startedAt = performance.now(); performance.now() - startedAt < PATIENCE_MS; await sleep(PAUSE_MS)) {
      const address = this.#addresses[Math.floor(Math.random() * this.#addresses.length)] ?? '';
      const sent = form?.() ?? body;
      const response = await fetch(`${address}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(sent !== undefined && { body: sent }),
        signal: AbortSignal.timeout(timeoutMs),
      }).catch(() => undefined);
      const text = await response?.text().catch(() => undefined);
      if (response && text !== undefined) {
        if (response.ok) return text;
        if (response.status < 500) throw new Refused(response.status, `${method} ${path} was answered ${response.status}: ${text}`); // prettier-ignore
      }
      last = response ? `${response.status} ${text ?? ''}` : 'nothing';
      this.refused++;
    }
    throw new Error(`${method} ${path} was answered ${last} for ${PATIENCE_MS / 1_000} s`);
  }
}

export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
