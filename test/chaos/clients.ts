import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

type Kind = 'plain' | 'slow' | 'wrong' | 'cancelled' | 'killing' | 'throwing' | 'crashing' | 'looping';

/** What a client was promised: a line in the ledger, on the disk before anything else happens. */
export interface Promised {
  id: string;
  nonce: string;
  kind: Kind;
}

const REQUEST_TIMEOUT_MS = 8_000;
const KINDS: Kind[] = ['plain', 'plain', 'plain', 'plain', 'plain', 'slow', 'slow', 'slow', 'wrong', 'cancelled'];
/** One in twenty-five is hostile: to its worker, to its renderer, to everybody's time. */
const HOSTILE: Record<number, Kind> = { 17: 'killing', 37: 'throwing', 57: 'crashing', 77: 'looping' };
const kindOf = (number: number): Kind => HOSTILE[number % 100] ?? KINDS[number % KINDS.length] ?? 'plain';

interface ClientsOptions {
  addresses: string[];
  keys: string[];
  jobs: number;
  slots: number;
  /** milliseconds between two jobs of a slot */
  pauseMs: () => number;
  ledgerPath: string;
}

/** Clients as they should be: each job has an Idempotency-Key, and is sent until it is acknowledged. */
export class Clients {
  readonly ledger: Promised[] = [];
  /** requests that were not answered, or with 5xx */
  refused = 0;
  readonly #options: ClientsOptions;
  readonly #file: number;
  #next = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#file = openSync(options.ledgerPath, 'a');
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.slots }, (_, slot) => this.#slot(slot)));
    closeSync(this.#file);
  }

  async #slot(slot: number): Promise<void> {
    const { jobs, keys, pauseMs } = this.#options;
    const key = keys[slot % keys.length] ?? '';
    while (this.#next < jobs) {
      const number = this.#next++;
      const kind = kindOf(number);
      const nonce = `nonce${number}x${Math.random().toString(36).slice(2, 10)}`;
      const body = JSON.stringify(bodyOf(kind, nonce));
      const answer = await this.#send('POST', '/v1/jobs', key, { 'idempotency-key': nonce }, body);
      const { id } = JSON.parse(answer) as { id: string };
      this.#promise({ id, nonce, kind });
      if (kind === 'cancelled') await this.#send('DELETE', `/v1/jobs/${id}`, key, {});
      await sleep(pauseMs());
    }
  }

  #promise(promised: Promised): void {
    writeSync(this.#file, `${JSON.stringify(promised)}\n`);
    fsyncSync(this.#file);
    this.ledger.push(promised);
  }

  /** Until it is answered, by whichever API answers. */
  async #send(
    method: string,
    path: string,
    key: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<string> {
    const { addresses } = this.#options;
    for (;;) {
      const address = addresses[Math.floor(Math.random() * addresses.length)] ?? '';
      try {
        const response = await fetch(`${address}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
          ...(body !== undefined && { body }),
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        });
        const text = await response.text();
        if (response.ok) return text;
        if (response.status < 500) throw new TypeError(`${method} ${path} was answered ${response.status}: ${text}`);
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith(method)) throw error;
      }
      this.refused++;
      await sleep(100);
    }
  }
}

function bodyOf(kind: Kind, nonce: string): object {
  const html = `<h1>${nonce}</h1>`;
  switch (kind) {
    case 'plain':
      return { html };
    case 'slow':
    case 'cancelled':
      return { html, waitForTimeout: 200 + Math.floor(Math.random() * 1_800) };
    case 'wrong':
      return { html, waitForSelector: { selector: '#never', timeout: 50 } };
    case 'killing':
      return { html, filename: 'chaos-kill.pdf' };
    case 'throwing':
      return { html, filename: 'chaos-throw.pdf', waitForTimeout: 1_000 };
    case 'crashing':
      return { html: `${'<table><tr><td>'.repeat(2_000)}x` };
    case 'looping':
      return { html: `${html}<script>for (;;);</script>`, timeoutMs: 2_000 };
  }
}
