import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sender } from './sender.ts';

type Kind = 'plain' | 'slow' | 'wrong' | 'cancelled' | 'killing' | 'throwing' | 'crashing' | 'looping';

/** What a client was promised: a line in the ledger, on the disk before anything else happens. */
export interface Promised {
  id: string;
  nonce: string;
  kind: Kind;
}

const KINDS: Kind[] = ['plain', 'plain', 'plain', 'plain', 'plain', 'slow', 'slow', 'slow', 'wrong', 'cancelled'];
/** One in twenty-five is hostile: to its worker, to its renderer, to everybody's time. */
const HOSTILE: Record<number, Kind> = { 17: 'killing', 37: 'throwing', 57: 'crashing', 77: 'looping' };
const kindOf = (number: number): Kind => HOSTILE[number % 100] ?? KINDS[number % KINDS.length] ?? 'plain';

interface ClientsOptions {
  sender: Sender;
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
    const { sender, jobs, keys, pauseMs } = this.#options;
    const key = keys[slot % keys.length] ?? '';
    while (this.#next < jobs) {
      const number = this.#next++;
      const kind = kindOf(number);
      const nonce = `nonce${number}x${Math.random().toString(36).slice(2, 10)}`;
      const body = JSON.stringify(bodyOf(kind, nonce));
      const headers = { 'idempotency-key': nonce };
      const answer = await sender.send({ method: 'POST', path: '/v1/jobs', key, headers, body });
      const { id } = JSON.parse(answer) as { id: string };
      this.#promise({ id, nonce, kind });
      if (kind === 'cancelled') await sender.send({ method: 'DELETE', path: `/v1/jobs/${id}`, key });
      await sleep(pauseMs());
    }
  }

  #promise(promised: Promised): void {
    writeSync(this.#file, `${JSON.stringify(promised)}\n`);
    fsyncSync(this.#file);
    this.ledger.push(promised);
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
