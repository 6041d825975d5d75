import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatTraceparent, parseTraceparent, traceIdOf } from '../../src/domain/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
    [` 00-${TRACE}-${SPAN}-00 `, `00-${TRACE}-${SPAN}-00`],
    [`00-${TRACE}-${SPAN}-03`, `00-${TRACE}-${SPAN}-03`],
    [`cc-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
    [`cc-${TRACE}-${SPAN}-ff-what-comes-later`, `00-${TRACE}-${SPAN}-01`],
  ])('%s is read', (header, written) => {
    const context = parseTraceparent(header);
    expect(context && formatTraceparent(context)).toBe(written);
    expect(traceIdOf(header)).toBe(TRACE);
  });

  it.each([
    undefined,
    null,
    '',
    'nonsense',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `00-${'x'.repeat(32)}-${SPAN}-01`,
  ])('%s is ignored', (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe('the variables of OpenTelemetry', () => {
  const tracing = (env: Record<string, string>) => loadConfig({ env, isRoot: false }).tracing;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

  it.each([
    [{}, false],
    [{ OTEL_SERVICE_NAME: 'pdfs', OTEL_TRACES_SAMPLER: 'always_on' }, false],
    [endpoint, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [{ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'true' }, false],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'false' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  ] as [Record<string, string>, boolean][])('%j: traces are wanted: %s', (env, isWanted) => {
    expect(tracing(env) !== undefined).toBe(isWanted);
  });

  it('name the sampler and its ratio', () => {
    expect(tracing(endpoint)).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
    expect(tracing({ ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25' })).toEqual({
      sampler: 'traceidratio',
      ratio: 0.25,
    });
  });

  it('prevent the start if their values are not supported, each by its name', () => {
    const env = {
      ...endpoint,
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '7',
    };
    expect(() => tracing(env)).toThrow(
      [
        'The settings have 3 problems:',
        '  - OTEL_TRACES_EXPORTER: "zipkin" is not allowed; allowed: otlp, none',
        '  - OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not allowed; allowed: http/protobuf',
        '  - OTEL_TRACES_SAMPLER_ARG: "7" is not allowed; allowed: a number from 0 to 1',
      ].join('\n'),
    );
  });
});
