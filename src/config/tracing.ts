const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** What OpenTelemetry's standard variables ask for; the exporter itself reads where the traces go. */
export interface TracingSettings {
  sampler: (typeof SAMPLERS)[number];
  /** 0 to 1, for the samplers that take one */
  ratio: number;
}

/** The only supported protocol; every collector understands it. */
const PROTOCOL = 'http/protobuf';

/**
 * Tracing is on when an OTLP exporter or an endpoint is set.
 * @returns undefined if it is off; `problems` name the variables with a value that is not supported
 */
export function tracingSettings(env: Record<string, string | undefined>): {
  tracing: TracingSettings | undefined;
  problems: string[];
} {
  const problems: string[] = [];
  const read = (...names: string[]) =>
    names.map((name) => ({ name, value: env[name]?.trim() ?? '' })).find(({ value }) => value !== '');
  const check = (variable: ReturnType<typeof read>, isAllowed: (value: string) => boolean, allowed: string) => {
    if (variable && !isAllowed(variable.value))
      problems.push(`${variable.name}: ${JSON.stringify(variable.value)} is not allowed; allowed: ${allowed}`);
  };

  const exporter = read('OTEL_TRACES_EXPORTER');
  const isDisabled = read('OTEL_SDK_DISABLED')?.value.toLowerCase() === 'true' || exporter?.value === 'none';
  const target = exporter ?? read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (isDisabled || !target) return { tracing: undefined, problems };

  check(exporter, (value) => value === 'otlp', 'otlp, none');
  const protocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  check(protocol, (value) => value === PROTOCOL, PROTOCOL);
  const named = read('OTEL_TRACES_SAMPLER');
  const sampler = SAMPLERS.find((each) => each === (named?.value ?? 'parentbased_always_on'));
  check(named, () => sampler !== undefined, SAMPLERS.join(', '));
  const argument = sampler?.endsWith('ratio') ? read('OTEL_TRACES_SAMPLER_ARG') : undefined;
  const ratio = Number(argument?.value ?? 1);
  check(argument, (value) => /^(?:\d+|\d*\.\d+)$/.test(value) && ratio <= 1, 'a number from 0 to 1');
  return { tracing: sampler && { sampler, ratio }, problems };
}
