/** A place in a trace (W3C Trace Context), in OpenTelemetry's shape. */
interface TraceContext {
  /** 32 hex digits */
  traceId: string;
  /** 16 hex digits */
  spanId: string;
  /** one byte; the lowest bit: the caller records the trace */
  traceFlags: number;
}

const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0+-)([\da-f]{32})-(?!0+-)([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Reads a `traceparent` header, of a later version too. @returns undefined for an invalid one, which is to be ignored */
export function parseTraceparent(header: string | null | undefined): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(header?.trim() ?? '') ?? [];
  if (version === undefined || (version === '00' && rest !== undefined)) return undefined;
  const byte = Number.parseInt(flags, 16);
  return { traceId, spanId, traceFlags: version === '00' ? byte : byte & 1 };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** For the log. */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
