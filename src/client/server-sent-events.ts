/** One event of a stream, or what the stream says of itself. */
export interface ServerSentEvent {
  id?: string;
  data?: string;
  /** milliseconds after which a client connects again */
  retry?: number;
}

/** The events in a body of `text/event-stream`. The stream is closed when its reader stops. */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split(/\r?\n\r?\n/);
      text = events.pop() ?? '';
      yield* events.map(eventIn);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it has failed already, if this fails
  }
}

function eventIn(block: string): ServerSentEvent {
  const event: ServerSentEvent = {};
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === 'id') event.id = value;
    else if (name === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`;
    else if (name === 'retry' && /^\d+$/.test(value)) event.retry = Number(value);
  }
  return event;
}
