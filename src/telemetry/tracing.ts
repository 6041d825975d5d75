import type * as Api from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';
import { formatTraceparent, parseTraceparent } from '../domain/trace-context.ts';
import { Deadline } from '../kernel/deadline.ts';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import type { Events } from './events.ts';
import { type Attributes, Span, Untraced } from './span.ts';

interface TracingOptions {
  /** undefined: nobody wants traces, and nothing of OpenTelemetry is loaded */
  settings: TracingSettings | undefined;
  /** unless `OTEL_SERVICE_NAME` says otherwise */
  service: string;
  version: string;
  /** milliseconds that a stop may wait for the last traces to be sent, at most */
  graceMs: number;
  events: Pick<Events, 'backgroundFailed' | 'tracesUnavailable'>;
}

interface BeginOptions {
  kind?: 'server' | 'consumer';
  /** W3C `traceparent` of what this is a part of; one that is not valid is ignored */
  parent?: string | undefined;
  /** as `performance.now()` has it, or had it; now unless given */
  startedAt?: number;
  attributes?: Attributes;
}

const LONGEST_FLUSH_MS = 3_000;

/**
 * Traces by OpenTelemetry's own packages, if they are asked for. They are sent in the background; what
 * cannot be sent is dropped, and what has not been sent when the process is killed is lost.
 */
export class Tracing extends Lifecycle {
  readonly #options: TracingOptions;
  #otel: Otel | undefined;

  constructor(options: TracingOptions) {
    super();
    this.#options = options;
  }

  begin(name: string, options: BeginOptions = {}): Span {
    const given = parseTraceparent(options.parent);
    if (!this.#otel) return new Untraced(given && formatTraceparent(given));
    const { api } = this.#otel;
    const parent = given && { traceId: given.traceId, spanId: given.spanId, traceFlags: given.flags, isRemote: true };
    const context = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, parent) : api.ROOT_CONTEXT;
    const kind = { server: api.SpanKind.SERVER, consumer: api.SpanKind.CONSUMER, none: api.SpanKind.INTERNAL };
    const clock = new Clock();
    const startTime = clock.at(options.startedAt ?? performance.now());
    const attributes = harmless(options.attributes ?? {});
    return new Traced(this.#otel, clock, name, { kind: kind[options.kind ?? 'none'], startTime, attributes }, context);
  }

  /** Documents matter more than traces: if these cannot be made, the process says so and goes on without. */
  protected async onStart(): Promise<void> {
    const { settings, events } = this.#options;
    if (!settings) return;
    try {
      this.#otel = await open(this.#options, settings);
    } catch (error) {
      events.tracesUnavailable(error);
    }
  }

  protected async onStop(): Promise<void> {
    const otel = this.#otel;
    if (!otel) return;
    this.#otel = undefined;
    await new Deadline(Math.min(this.#options.graceMs, LONGEST_FLUSH_MS))
      .race('sending the last traces', otel.provider.shutdown())
      .catch((error: unknown) => this.#options.events.backgroundFailed('sending traces', error));
    otel.api.diag.disable();
  }
}

interface Otel {
  api: typeof Api;
  provider: Sdk.TracerProvider;
  tracer: Api.Tracer;
}

async function open(options: TracingOptions, settings: TracingSettings): Promise<Otel> {
  const { service, version, events } = options;
  const [api, sdk, { OTLPTraceExporter }, { defaultResource, detectResources, envDetector, resourceFromAttributes }] =
    await loadPackages();
  const quiet = () => undefined;
  const tell = (text: string) => events.backgroundFailed('sending traces', new Error(readable(text)));
  api.diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }, api.DiagLogLevel.WARN);
  const provider = new sdk.TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service, 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(sdk, settings),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  return { api, provider, tracer: provider.getTracer('pdfprompt', version) };
}

async function loadPackages() {
  try {
    return await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/resources'),
    ]);
  } catch (error) {
    if (systemCodeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new OperatorError(
      'Traces are asked for (OTEL_TRACES_EXPORTER or OTEL_EXPORTER_OTLP_ENDPOINT), but the optional packages that make them are not installed. Type: npm install @opentelemetry/api @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-proto @opentelemetry/resources',
      { cause: error },
    );
  }
}

function samplerOf(sdk: typeof Sdk, { sampler, ratio }: TracingSettings): Sdk.Sampler {
  const root = sampler.endsWith('ratio')
    ? new sdk.TraceIdRatioBasedSampler(ratio)
    : sampler.endsWith('off')
      ? new sdk.AlwaysOffSampler()
      : new sdk.AlwaysOnSampler();
  return sampler.startsWith('parentbased') ? new sdk.ParentBasedSampler({ root }) : root;
}

/** The packages report an error as JSON of all its fields, the stack and the answer's body among them. */
function readable(text: string): string {
  try {
    const { message, code } = JSON.parse(text) as { message?: string; code?: string };
    return [message, code].filter((part) => part !== undefined).join(' ') || 'it failed';
  } catch {
    return text;
  }
}

/** What callers choose, such as a path or a request's id, may be a key that was put in the wrong place. */
function harmless(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutSecrets(value) : value,
    ]),
  );
}

/** One clock for a span and its parts, so that none of them sticks out. */
class Clock {
  readonly #offset = Date.now() - performance.now();

  /** As a pair, for a number that lies before the start of the process would be taken for another thing. */
  at(moment: number): Api.HrTime {
    const ms = this.#offset + moment;
    const seconds = Math.floor(ms / 1000);
    return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
  }
}

class Traced extends Span {
  readonly #otel: Otel;
  readonly #clock: Clock;
  readonly #span: Api.Span;
  readonly #open = new Set<Span>();
  readonly #onEnd: ((span: Span) => void) | undefined;
  #hasEnded = false;

  constructor(
    otel: Otel,
    clock: Clock,
    name: string,
    options: Api.SpanOptions,
    context: Api.Context,
    onEnd?: (span: Span) => void,
  ) {
    super();
    this.#otel = otel;
    this.#clock = clock;
    this.#span = otel.tracer.startSpan(name, options, context);
    this.#onEnd = onEnd;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return formatTraceparent({ traceId, spanId, flags: traceFlags });
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(harmless(attributes));
  }

  child(name: string, startedAt = performance.now()): Span {
    if (this.#hasEnded) return new Untraced(this.traceparent);
    const { api } = this.#otel;
    const context = api.trace.setSpan(api.ROOT_CONTEXT, this.#span);
    const options = { startTime: this.#clock.at(startedAt) };
    const child = new Traced(this.#otel, this.#clock, name, options, context, (span) => this.#open.delete(span));
    this.#open.add(child);
    return child;
  }

  cutShort(error: string): void {
    for (const child of this.#open) child.end({ error });
  }

  end({ error, at = performance.now() }: { error?: string | undefined; at?: number } = {}): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.cutShort(error ?? 'unfinished');
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: this.#otel.api.SpanStatusCode.ERROR });
    }
    this.#span.end(this.#clock.at(at));
    this.#onEnd?.(this);
  }
}
