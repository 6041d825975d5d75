import type { BatchEvent, EventType, JobEvent } from './api-types.ts';
import { type CallOptions, type Connection, isPassing } from './connection.ts';
import { pause } from './pause.ts';
import { PdfpromptError } from './pdfprompt-error.ts';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.ts';

/** Which events are listened to; default: all of your jobs and batches. */
export interface ListenOptions extends CallOptions {
  /** ids; what has happened to them already comes first */
  jobs?: readonly string[] | undefined;
  batches?: readonly string[] | undefined;
  types?: readonly EventType[] | undefined;
  /** of an event that came earlier: what has happened since comes first */
  lastEventId?: string | undefined;
}

/** An event with its id, which is the same when it comes again. */
export type ListenedEvent = (JobEvent | BatchEvent) & { id: string };

const DEFAULT_RETRY_MS = 2_000;
/** Ids that are remembered: after a new connection the service repeats a minute. */
const MAX_SEEN = 10_000;

/**
 * Events as they happen, each once, over as many connections as that takes. It ends when the reader stops. Once the
 * service has answered, it is waited for however long it is unavailable.
 * @throws PdfpromptError if the first connection fails, or the service refuses a later one
 */
export async function* listen(
  connection: Connection,
  { jobs, batches, types, lastEventId, signal }: ListenOptions,
): AsyncGenerator<ListenedEvent, void, undefined> {
  const seen = new Set<string>();
  let last = lastEventId;
  let retryMs = DEFAULT_RETRY_MS;
  let hasConnected = false;
  const connect = () =>
    connection.send({
      method: 'GET',
      path: 'events',
      query: { job: jobs?.join(), batch: batches?.join(), types: types?.join() },
      headers: { Accept: 'text/event-stream', ...(last !== undefined && { 'Last-Event-ID': last }) },
      signal,
    });
  for (;;) {
    const answer = await connect().catch(passing);
    if (answer instanceof PdfpromptError) {
      if (!hasConnected) throw answer;
      await pause(Math.max(retryMs, (answer.retryAfter ?? 0) * 1000), signal);
      continue;
    }
    hasConnected = true;
    for await (const { id, data, retry } of untilCut(answer.body as ReadableStream<Uint8Array>)) {
      retryMs = retry ?? retryMs;
      last = id ?? last;
      if (id === undefined || data === undefined || seen.has(id)) continue;
      remember(seen, id);
      yield { ...(JSON.parse(data) as JobEvent | BatchEvent), id };
    }
    await pause(retryMs, signal);
  }
}

/** The error, if it passes by itself. @throws any other */
function passing(error: unknown): PdfpromptError {
  if (error instanceof PdfpromptError && isPassing(error)) return error;
  throw error;
}

/** The events of one connection; when it is lost, they only end. */
async function* untilCut(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void, undefined> {
  const events = serverSentEvents(body);
  try {
    for (;;) {
      const { value, done } = await events.next().catch(() => ({ value: undefined, done: true }));
      if (done || value === undefined) return;
      yield value;
    }
  } finally {
    await events.return();
  }
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  const [oldest] = seen;
  if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
}
