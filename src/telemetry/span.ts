import {
  type Context,
  type HrTime,
  isSpanContextValid,
  type Span as OtelSpan,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { formatTraceparent } from '../domain/trace-context.ts';
import { CodedError, systemCodeOf } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/secrets.ts';

/** Never a document, a URL, a header or a message: all of it is sent to the collector. */
type Attributes = Record<string, string | number | boolean | undefined>;

export interface SpanOptions {
  context?: Context;
  kind?: 'server' | 'consumer';
  /** as `performance.now()` has it; now unless given */
  startedAt?: number | undefined;
  /** milliseconds from `performance.now()` to Unix time; a child has its parent's, so that it lies within it */
  offset?: number;
  attributes?: Attributes | undefined;
}

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER };

/** Makes spans that record nothing and pass on the `traceparent` of the caller, whatever provider is registered. */
export const NO_OP_TRACER: Tracer = new ProxyTracerProvider().getTracer('pdfprompt');

/** An operation, as part of a trace; without a tracer it records nothing. Times are those of `performance.now()`. */
export class Span {
  readonly #tracer: Tracer;
  readonly #offset: number;
  readonly #span: OtelSpan;
  readonly #children: Span[] = [];

  constructor(tracer = NO_OP_TRACER, name = '', { context = ROOT_CONTEXT, kind, ...options }: SpanOptions = {}) {
    const { offset = Date.now() - performance.now(), startedAt = performance.now(), attributes = {} } = options;
    this.#tracer = tracer;
    this.#offset = offset;
    const startTime = hrTime(offset + startedAt);
    this.#span = tracer.startSpan(name, { kind: kind && KINDS[kind], startTime }, context);
    this.set(attributes);
  }

  /** To continue the trace elsewhere; that of the caller if tracing is off. */
  get traceparent(): string | undefined {
    const context = this.#span.spanContext();
    return isSpanContextValid(context) ? formatTraceparent(context) : undefined;
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  /** A text may contain what a caller chose, such as a path, and so a key in the wrong place: secrets are removed. */
  set(attributes: Attributes): void {
    if (!this.#span.isRecording()) return;
    for (const [name, value] of Object.entries(attributes))
      if (value !== undefined) this.#span.setAttribute(name, typeof value === 'string' ? withoutSecrets(value) : value);
  }

  child(name: string, startedAt?: number): Span {
    const isRecording = this.#span.isRecording();
    if (!isRecording && this.#tracer === NO_OP_TRACER) return this; // nothing to record, and the same trace
    const tracer = isRecording ? this.#tracer : NO_OP_TRACER; // not recording: it has ended, for example
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    const child = new Span(tracer, name, { context, offset: this.#offset, startedAt });
    this.#children.push(child);
    return child;
  }

  /** Ends the open children as failed. @param error its kind, from a closed set */
  cutShort(error: string): void {
    for (const child of this.#children) child.end({ error });
  }

  /** Only the first call counts. Children that are still open end as failed. @param error its kind, from a closed set */
  end({ error, at = performance.now() }: { error?: string | undefined; at?: number } = {}): void {
    if (!this.#span.isRecording()) return;
    this.cutShort(error ?? 'unfinished');
    if (error !== undefined) this.#span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end(hrTime(this.#offset + at));
  }

  /** Does `work` as a child of this span. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const child = this.child(name);
    try {
      return await work();
    } catch (error) {
      child.end({ error: errorType(error) });
      throw error;
    } finally {
      child.end();
    }
  }
}

/** OpenTelemetry takes a number below the start of the process for one of `performance.now()`, but not a pair. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}

/** The kind of an error, as a word without anything of its message. */
export function errorType(error: unknown): string {
  if (error instanceof CodedError) return error.code;
  const name = systemCodeOf(error) ?? (error instanceof Error ? error.name : '');
  return /^\w{1,50}$/.test(name) ? name : 'unknown'; // a document may throw anything
}
