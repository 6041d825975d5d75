import { diag, DiagLogLevel, ROOT_CONTEXT, trace, type Tracer } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';
import { parseTraceparent } from '../domain/trace-context.ts';
import { Deadline } from '../kernel/deadline.ts';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from './events.ts';
import { NO_OP_TRACER, Span, type SpanOptions } from './span.ts';

interface TracingOptions {
  /** undefined: tracing is off, and of OpenTelemetry only its API is loaded */
  settings: TracingSettings | undefined;
  /** unless `OTEL_SERVICE_NAME` says otherwise */
  service: string;
  version: string;
  /** milliseconds that a stop may wait for the last spans to be sent, at most */
  graceMs: number;
  events: Pick<Events, 'backgroundFailed' | 'tracesUnavailable'>;
}

/** `parent`: W3C `traceparent` of the parent span; an invalid one is ignored */
type BeginOptions = Pick<SpanOptions, 'kind' | 'startedAt' | 'attributes'> & { parent?: string | undefined };

const LONGEST_FLUSH_MS = 3_000;

/**
 * Makes spans with OpenTelemetry's SDK, if the settings ask for them. They are sent in the background; what cannot be
 * sent is dropped, and what has not been sent when the process is killed is lost.
 */
export class Tracing extends Lifecycle<TracingOptions> {
  #provider: Sdk.TracerProvider | undefined;
  #tracer: Tracer = NO_OP_TRACER;

  begin(name: string, { parent, ...options }: BeginOptions = {}): Span {
    const place = parseTraceparent(parent);
    const context = place ? trace.setSpanContext(ROOT_CONTEXT, { ...place, isRemote: true }) : ROOT_CONTEXT;
    return new Span(this.#tracer, name, { ...options, context });
  }

  /** Documents matter more than traces: if tracing cannot start, the process logs that and runs without. */
  protected async onStart(): Promise<void> {
    const { settings, version, events } = this.options;
    if (!settings) return;
    try {
      this.#provider = await createProvider(this.options, settings);
      this.#tracer = this.#provider.getTracer('pdfprompt', version);
    } catch (error) {
      events.tracesUnavailable(error);
    }
  }

  protected override async onStop(): Promise<void> {
    if (!this.#provider) return;
    this.#tracer = NO_OP_TRACER;
    await new Deadline(Math.min(this.options.graceMs, LONGEST_FLUSH_MS))
      .race('sending the last traces', this.#provider.shutdown())
      .catch((error: unknown) => this.options.events.backgroundFailed('sending traces', error));
    diag.disable();
  }
}

async function createProvider(options: TracingOptions, settings: TracingSettings): Promise<Sdk.TracerProvider> {
  const { service, version, events } = options;
  const [sdk, { OTLPTraceExporter }, { defaultResource, detectResources, envDetector, resourceFromAttributes }] =
    await loadPackages();
  const ignore = () => undefined;
  const report = (text: string) => events.backgroundFailed('sending traces', new Error(readable(text)));
  diag.setLogger({ error: report, warn: report, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  return new sdk.TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service, 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(sdk, settings),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
}

async function loadPackages() {
  try {
    return await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/resources'),
    ]);
  } catch (error) {
    if (systemCodeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new OperatorError(
      'Traces are asked for (OTEL_TRACES_EXPORTER or OTEL_EXPORTER_OTLP_ENDPOINT), but the optional packages that make them are not installed. Type: npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-proto @opentelemetry/resources',
      { cause: error },
    );
  }
}

function samplerOf(sdk: typeof Sdk, { sampler, ratio }: TracingSettings): Sdk.Sampler {
  // A ratio of 0 samples nothing, one of 1 everything.
  const root = new sdk.TraceIdRatioBasedSampler(sampler.endsWith('off') ? 0 : ratio);
  return sampler.startsWith('parentbased') ? new sdk.ParentBasedSampler({ root }) : root;
}

/** The packages report an error as JSON of all its fields, the stack and the response's body among them. */
function readable(text: string): string {
  try {
    const { message, code } = JSON.parse(text) as { message?: string; code?: string };
    return [message, code].filter((part) => part !== undefined).join(' ') || 'it failed';
  } catch {
    return text;
  }
}
