import { z } from 'zod';
import type { Database } from '../../db/pools.ts';
import { type Ended, positionOf } from '../../deliveries/ended.ts';
import { endedAmong } from '../../deliveries/ended-among.ts';
import { endedSince } from '../../deliveries/ended-since.ts';
import { type EventPosition, OVERLAP_MS, parsePosition, positionText } from '../../deliveries/event-position.ts';
import { JobListener } from '../../deliveries/job-listener.ts';
import { type SentEvent, sentEvent } from '../../deliveries/sent-event.ts';
import { checkedText } from '../../domain/check-input.ts';
import { EVENT_TYPES, eventTypeSchema } from '../../domain/event-type.ts';
import { invalidFields } from '../../kernel/errors.ts';
import { answered } from '../answered.ts';
import { bearerOf } from '../middleware/authenticate.ts';
import { EVENT_STREAM_HEADERS, EventStream } from '../event-stream.ts';
import { readQuery } from '../query.ts';
import type { UnderWay } from '../under-way.ts';
import { aboutOf, type AppContext, type AppDeps, type Operation } from '../route.ts';

/** Jobs or batches that a listener may name. */
const MAX_NAMED = 100;
/** Milliseconds after which a client connects again. */
const RETRY_MS = 2_000;

const POSITION = 'allowed: the id of an event';

/** A parameter that is a list, separated by commas. */
const listOf = <T extends z.ZodType>(item: T, max: number) =>
  z.preprocess(
    (text) => (typeof text === 'string' ? [...new Set(text.toLowerCase().split(','))] : text),
    z.array(item).min(1).max(max),
  );

const idsOf = (what: 'jobs' | 'batches') =>
  listOf(z.uuid(`allowed: ids of ${what}, separated by commas`), MAX_NAMED)
    .optional()
    .meta({
      description: `Only of these ${what}, separated by commas, at most ${MAX_NAMED}, and of those that \`${what === 'jobs' ? 'batch' : 'job'}\` names. What has happened to them already is sent first`,
      param: { style: 'form', explode: false },
    });

const query = z.strictObject({
  types: listOf(eventTypeSchema, EVENT_TYPES.length)
    .optional()
    .meta({ description: 'Only these, separated by commas', param: { style: 'form', explode: false } }),
  job: idsOf('jobs'),
  batch: idsOf('batches'),
  lastEventId: checkedText((text) => (parsePosition(text) ? undefined : POSITION))
    .optional()
    .meta({ description: 'For clients that cannot send `Last-Event-ID`' }),
});

export function listenToEventsRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/events',
    scope: 'jobs:read',
    operationId: 'listenToEvents',
    summary: 'What happens to your jobs and batches, as it happens',
    description:
      'Server-sent events, each with a `JobEvent` or a `BatchEvent` as its data. With `Last-Event-ID` the stream begins with what has happened since, and may repeat what happened up to a minute before: an event that comes again has the same id.',
    requestParams: {
      query,
      header: z.object({
        'Last-Event-ID': z.string().optional().meta({ description: 'The id of the last event that was received' }),
      }),
    },
    responses: {
      200: {
        description: 'A stream that goes on until one side ends it',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
    },
    problems: ['not_found', 'invalid_request'],
    handle: (c) => listen(c, deps),
  };
}

async function listen(c: AppContext, deps: AppDeps): Promise<Response> {
  const { types, job: jobs, batch: batches, lastEventId } = readQuery(c, query);
  const from = positionFrom(c.req.header('last-event-id') ?? lastEventId);
  if (c.req.method === 'HEAD') return new Response(null, { headers: EVENT_STREAM_HEADERS });

  const named = (jobs ?? batches) && { jobs: jobs ?? [], batches: batches ?? [] };
  const { hub, events, principals, publicUrl, reads } = deps;
  const { underWay } = c.var;
  const { userId } = c.var.principal;
  const about = { ...aboutOf(c), userId };
  const key = bearerOf(c) ?? '';
  const outlet = new EventStream(c.env.outgoing);
  const listener = new JobListener({
    userId,
    types: types && new Set(types),
    ids: named && new Set([...named.jobs, ...named.batches]),
    outlet,
    isAllowed: () => principals.isValid(key),
    onSent: (type) => events.metrics.eventsSent.inc({ type }),
  });
  const leave = hub.listen(listener);
  try {
    const startsAt = from ?? { atMs: await hub.now() };
    const read = <T>(work: (db: Database) => Promise<T>) => underWay.reading(userId, () => work(reads));
    const ended = named && (await read((db) => endedAmong(db, { tenant: userId, ...named })));
    const past = ended ? [ended] : from ? endedSince(from.atMs, { tenant: userId }, read) : [];
    outlet.write(Buffer.from(`retry: ${RETRY_MS}\nid: ${positionText(startsAt)}\n\n`));
    void listener.follow(inMemory(underWay, userId, written(past, from, publicUrl))).catch((error: unknown) => {
      outlet.cut(); // the client connects again, and goes on where it was
      events.eventsCutOff(about, error);
    });
  } catch (error) {
    leave();
    throw error;
  }
  void answered(c).then(leave);
  return new Response(outlet.body, { headers: EVENT_STREAM_HEADERS });
}

/** Without what happened before the position that the client has. */
async function* written(
  pages: Iterable<Ended[]> | AsyncIterable<Ended[]>,
  from: EventPosition | undefined,
  publicUrl: string | undefined,
): AsyncGenerator<SentEvent[]> {
  const sinceMs = from ? from.atMs - OVERLAP_MS : 0;
  const last = from && positionText(from);
  for await (const page of pages)
    yield page
      .filter((ended) => positionOf(ended).atMs >= sinceMs)
      .map((ended) => sentEvent(ended, publicUrl))
      .filter(({ id }) => id !== last);
}

/** Pages within the tenant's share of memory, until each was sent. */
async function* inMemory(
  underWay: UnderWay,
  userId: string,
  pages: AsyncIterable<SentEvent[]>,
): AsyncGenerator<SentEvent[]> {
  for await (const page of pages) {
    const sent = Promise.withResolvers<void>();
    const bytes = page.reduce((sum, event) => sum + event.bytes.byteLength, 0);
    try {
      if (bytes > 0) await underWay.holdDownload(userId, bytes, sent.promise);
      yield page;
    } finally {
      sent.resolve();
    }
  }
}

/** @throws CodedError `invalid_request` */
function positionFrom(text: string | undefined): EventPosition | undefined {
  if (text === undefined || text === '') return undefined;
  const position = parsePosition(text);
  if (!position) throw invalidFields([{ field: 'Last-Event-ID', message: POSITION }]);
  return position;
}
