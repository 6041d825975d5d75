import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type Job } from '../../src/domain/job.ts';

interface TrafficOptions {
  address: string;
  key: string;
  /** of the nth request */
  body: (number: number) => object;
  /** clients that submit, and as many that download */
  clients?: number;
  pauseMs?: number;
}

/** Clients that submit and download without pause, and remember how everything was answered. */
export class Traffic {
  /** ids of jobs that were accepted */
  readonly accepted: string[] = [];
  readonly submissions: { status: number; retryAfter: string | null; at: number }[] = [];
  readonly downloads: { status: number; at: number }[] = [];
  /** downloads that were not what the job says */
  readonly wrong: string[] = [];
  readonly #options: TrafficOptions;
  readonly #clients: Promise<unknown>;
  #isOver = false;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { clients = 2 } = options;
    const each = Array.from({ length: clients }, () => [this.#submitAgain(), this.#downloadAgain()]);
    this.#clients = Promise.all(each.flat());
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#clients;
  }

  /** Whether all that was accepted has ended, and as what. */
  async statuses(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const id of this.accepted) {
      const { status } = (await (await this.#get(`/v1/jobs/${id}`)).json()) as Job;
      const kind = isFinal(status) ? status : 'open';
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** Once more, all of them. @returns how many were whole */
  async downloadAll(): Promise<number> {
    let whole = 0;
    for (const id of this.accepted) if (await this.#download(id)) whole++;
    return whole;
  }

  async #submitAgain(): Promise<void> {
    const { address, body, pauseMs = 400 } = this.#options;
    while (!this.#isOver) {
      const at = performance.now();
      const response = await fetch(`${address}/v1/jobs`, {
        method: 'POST',
        headers: { ...this.#headers, 'content-type': 'application/json' },
        body: JSON.stringify(body(this.submissions.length)),
      });
      this.submissions.push({ status: response.status, retryAfter: response.headers.get('retry-after'), at });
      const job = (await response.json()) as Job;
      if (response.status === 202) this.accepted.push(job.id);
      await sleep(pauseMs);
    }
  }

  async #downloadAgain(): Promise<void> {
    const { pauseMs = 100 } = this.#options;
    while (!this.#isOver) {
      const id = this.accepted[Math.floor(Math.random() * this.accepted.length)];
      if (id !== undefined) await this.#download(id);
      await sleep(pauseMs);
    }
  }

  /** @returns whether it came, whole */
  async #download(id: string): Promise<boolean> {
    const at = performance.now();
    const response = await this.#get(`/v1/jobs/${id}/pdf`);
    this.downloads.push({ status: response.status, at });
    const body = await response.arrayBuffer().catch(() => undefined); // cut
    if (response.status !== 200 || !body) return false;
    const sha256 = createHash('sha256').update(Buffer.from(body)).digest('hex');
    const { headers } = response;
    if (headers.get('content-length') === String(body.byteLength) && headers.get('etag') === `"${sha256}"`) return true;
    this.wrong.push(id);
    return false;
  }

  #get(path: string): Promise<Response> {
    return fetch(`${this.#options.address}${path}`, { headers: this.#headers, signal: AbortSignal.timeout(30_000) });
  }

  get #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#options.key}` };
  }
}
