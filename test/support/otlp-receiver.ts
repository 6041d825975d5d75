import { createServer } from 'node:http';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { fields, text } from './protobuf.ts';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** empty: it has none */
  parentId: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer */
  kind: number;
  /** milliseconds since 1970 */
  startedAt: number;
  endedAt: number;
  attributes: Record<string, string | number>;
  isError: boolean;
  /** of the process that sent it */
  resource: Record<string, string | number>;
}

export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** every byte that was sent, as latin1 */
  raw(): string;
  headers: Record<string, unknown>[];
}

/** A collector of traces (OTLP over HTTP, protobuf). @param isMute it takes requests and never answers */
export async function openOtlpReceiver({ isMute = false } = {}): Promise<OtlpReceiver> {
  const bodies: Buffer[] = [];
  const receiver: OtlpReceiver = {
    url: '',
    spans: [],
    raw: () => Buffer.concat(bodies).toString('latin1'),
    headers: [],
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      bodies.push(body);
      receiver.headers.push(request.headers);
      const isFine = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
      if (isFine) receiver.spans.push(...decode(body));
      if (!isMute) response.writeHead(isFine ? 200 : 404).end();
    });
  });
  receiver.url = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  server.unref();
  return receiver;
}

/** An `ExportTraceServiceRequest`. The numbers are those of opentelemetry/proto/trace/v1/trace.proto. */
function decode(body: Buffer): ReceivedSpan[] {
  return fields(body)
    .bytes(1)
    .flatMap((resourceSpans) => {
      const [resource] = fields(resourceSpans).bytes(1);
      const attributes = resource ? attributesOf(fields(resource).bytes(1)) : {};
      return fields(resourceSpans)
        .bytes(2)
        .flatMap((scopeSpans) => fields(scopeSpans).bytes(2))
        .map((span) => decodeSpan(span, attributes));
    });
}

function decodeSpan(bytes: Buffer, resource: ReceivedSpan['resource']): ReceivedSpan {
  const span = fields(bytes);
  const hex = (field: number) => span.bytes(field)[0]?.toString('hex') ?? '';
  const ms = (field: number) => Number(span.numbers(field)[0] ?? 0n) / 1e6;
  const [status] = span.bytes(15);
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: text(span.bytes(5)[0]),
    kind: Number(span.numbers(6)[0]),
    startedAt: ms(7),
    endedAt: ms(8),
    attributes: attributesOf(span.bytes(9)),
    isError: status !== undefined && fields(status).numbers(3)[0] === 2n,
    resource,
  };
}

function attributesOf(pairs: Buffer[]): Record<string, string | number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key, value] = [fields(pair).bytes(1)[0], fields(fields(pair).bytes(2)[0] ?? Buffer.alloc(0))];
      return [text(key), value.bytes(1)[0] ? text(value.bytes(1)[0]) : Number(value.numbers(3)[0] ?? 0n)];
    }),
  );
}
