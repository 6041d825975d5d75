import { get, type IncomingMessage } from 'node:http';
import type { JobEvent } from '../../src/domain/job-event.ts';
import { undoLater } from './clean-up.ts';
import { eventually } from './processes.ts';

export interface ReceivedEvent {
  id: string;
  type: string;
  data: JobEvent;
  /** as `performance.now()` has it */
  at: number;
}

interface ListenOptions {
  key: string;
  /** of the query, with its `?` */
  query?: string;
  lastEventId?: string | undefined;
  path?: string;
  headers?: Record<string, string>;
}

/** A client of server-sent events, as the standard has them. */
export class EventReader {
  readonly events: ReceivedEvent[] = [];
  /** everything received */
  text = '';
  lastEventId = '';
  isEnded = false;
  readonly response: IncomingMessage;
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#receive(chunk));
    for (const event of ['end', 'error', 'close']) response.on(event, () => (this.isEnded = true));
  }

  static open(
    address: string,
    { key, query = '', path = '/v1/events', lastEventId, headers }: ListenOptions,
  ): Promise<EventReader> {
    return new Promise((done, failed) => {
      const resumed = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
      const options = { agent: false, headers: { Authorization: `Bearer ${key}`, ...resumed, ...headers } };
      const request = get(`${address}${path}${query}`, options, (response) => {
        undoLater(async () => void response.destroy());
        done(new EventReader(response));
      });
      request.once('error', failed);
    });
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get jobs(): string[] {
    return this.events.map(({ data }) => data.data.id);
  }

  close(): void {
    this.response.destroy();
  }

  async until(condition: (reader: this) => boolean, what: string): Promise<void> {
    await eventually(() => condition(this), 30_000, `${what}; received: ${this.text.slice(-500)}`);
  }

  #receive(chunk: string): void {
    this.text += chunk;
    this.#rest += chunk;
    const blocks = this.#rest.split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#dispatch(block);
  }

  #dispatch(block: string): void {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    if (fields['id'] !== undefined) this.lastEventId = fields['id'];
    if (fields['data'] === undefined) return;
    const data = JSON.parse(fields['data'] || 'null') as JobEvent;
    this.events.push({ id: this.lastEventId, type: fields['event'] ?? '', data, at: performance.now() });
  }
}
