/** What OpenTelemetry's standard variables ask for; where the traces go, its exporter reads for itself. */
export interface TracingSettings {
  sampler: Sampler;
  /** 0 to 1, for the samplers that take one */
  ratio: number;
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

type Sampler = (typeof SAMPLERS)[number];

/** The one way traces are sent, which every collector understands. */
const PROTOCOL = 'http/protobuf';

/**
 * Traces are wanted when an OTLP exporter is named or an endpoint is.
 * @returns undefined if they are not; `problems` name the variables that cannot be followed
 */
export function tracingSettings(env: Record<string, string | undefined>): {
  tracing: TracingSettings | undefined;
  problems: string[];
} {
  const off = { tracing: undefined, problems: [] };
  const read = (...names: string[]) => {
    const name = names.find((each) => (env[each] ?? '').trim() !== '');
    return name === undefined ? undefined : { name, value: (env[name] ?? '').trim() };
  };
  if (read('OTEL_SDK_DISABLED')?.value.toLowerCase() === 'true') return off;
  const exporter = read('OTEL_TRACES_EXPORTER');
  if (exporter?.value === 'none') return off;
  if (!exporter && !read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT')) return off;

  const problems: string[] = [];
  const refuse = ({ name, value }: { name: string; value: string }, allowed: string) =>
    problems.push(`${name}: ${JSON.stringify(value)} is not allowed; allowed: ${allowed}`);
  if (exporter && exporter.value !== 'otlp') refuse(exporter, 'otlp, none');
  const protocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol && protocol.value !== PROTOCOL) refuse(protocol, PROTOCOL);
  const named = read('OTEL_TRACES_SAMPLER');
  const sampler = SAMPLERS.find((each) => each === (named?.value ?? 'parentbased_always_on'));
  if (named && !sampler) refuse(named, SAMPLERS.join(', '));
  const argument = sampler?.endsWith('ratio') ? read('OTEL_TRACES_SAMPLER_ARG') : undefined;
  const ratio = /^(?:\d+|\d*\.\d+)$/.test(argument?.value ?? '1') ? Number(argument?.value ?? '1') : Number.NaN;
  if (argument && !(ratio <= 1)) refuse(argument, 'a number from 0 to 1');
  return { tracing: sampler && { sampler, ratio }, problems };
}
