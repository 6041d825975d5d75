import type { LoadPlan } from '../planning/load-plan.ts';
import { DOCUMENT_KINDS } from '../planning/sample-documents.ts';
import { parseShares, type Share } from '../planning/shares.ts';
import { UsageError } from '../kernel/errors.ts';

/** As they are typed. Settings are beside them. */
export interface BenchOptions extends Record<string, unknown> {
  url: string;
  key?: string;
  users: string;
  tiers?: string;
  rate?: string;
  pdfsPerHour?: string;
  mix: string;
  ramp: string;
  duration: string;
  timeout: string;
  maxInFlight: string;
  seed: string;
  targetP95: string;
  targetErrors: string;
  targetPdfsPerHour?: string;
  json?: boolean;
  report?: string;
}

export const DEFAULT_TIERS = 'starter:70,professional:25,enterprise:5';

/** Who wants to see a throughput must send somewhat more: arrivals are random. */
const ABOVE_TARGET = 1.2;

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, '': 1000 };
const DURATION = 'a duration such as 500ms, 30s, 2m, 1h';
const DAY_MS = 86_400_000;

/** @throws UsageError that names every option that is wrong */
export function parseBenchOptions(options: BenchOptions): LoadPlan {
  const problems: string[] = [];
  const refuse = (flag: string, text: string, allowed: string) => {
    problems.push(`${flag}: ${JSON.stringify(text)} is not allowed; allowed: ${allowed}`);
  };
  const number = (flag: string, text: string, [min, max]: [number, number], isWhole = true) => {
    const value = (isWhole ? /^\d{1,15}$/ : /^\d{1,9}(\.\d{1,9})?$/).test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) refuse(flag, text, `a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`);
    return value;
  };
  const duration = (flag: string, text: string, [min, max]: [number, number]) => {
    const [, digits = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h|)$/.exec(text) ?? [];
    const value = digits === '' ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
    if (!(value >= min && value <= max)) refuse(flag, text, `${DURATION}; ${min / 1000} to ${max / 1000} s`);
    return value;
  };
  const shares = (flag: string, text: string, example: string, names?: readonly string[]): Share[] => {
    const parsed = parseShares(text);
    if (parsed && (names === undefined || parsed.every(({ name }) => names.includes(name)))) return parsed;
    refuse(flag, text, `names with their shares, such as ${example}${names ? `, of ${names.join(', ')}` : ''}`);
    return [];
  };

  const durationMs = duration('--duration', options.duration, [1_000, DAY_MS]);
  const rampMs = Math.min(duration('--ramp', options.ramp, [0, DAY_MS]), durationMs / 2);
  const part = /^(\d+(?:\.\d+)?)\s*%$/.exec(options.targetErrors)?.[1];
  const errorPart = part === undefined ? Number.NaN : Number(part) / 100;
  if (!(errorPart <= 1)) refuse('--target-errors', options.targetErrors, 'a percentage such as 0.5%, up to 100%');
  if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol))
    refuse('--url', options.url, 'an address such as http://127.0.0.1:3000');
  if (options.rate !== undefined && options.pdfsPerHour !== undefined)
    problems.push('--rate and --pdfs-per-hour: allowed: one of them');
  if (options.key !== undefined && options.tiers !== undefined)
    problems.push('--key and --tiers: the load of one key is that of one user; allowed: one of them');
  if (options.key !== undefined && !/^pdf_\w+$/.test(options.key))
    problems.push('--key: its value is not allowed; allowed: a key as pdf_…');

  const target = options.targetPdfsPerHour;
  const targetPerHour = target === undefined ? undefined : number('--target-pdfs-per-hour', target, [1, 1e9]);
  const plan: LoadPlan = {
    url: options.url,
    users: number('--users', options.users, [1, 100_000]),
    tiers: shares('--tiers', options.tiers ?? DEFAULT_TIERS, DEFAULT_TIERS),
    rate:
      options.rate !== undefined
        ? { perUserMinute: number('--rate', options.rate, [0.001, 100_000], false) }
        : options.pdfsPerHour !== undefined
          ? { perHour: number('--pdfs-per-hour', options.pdfsPerHour, [1, 1e9]) }
          : targetPerHour !== undefined
            ? { perHour: targetPerHour * ABOVE_TARGET }
            : undefined,
    mix: shares('--mix', options.mix, 'invoice:60,ticket:30,report:10', DOCUMENT_KINDS),
    rampMs,
    durationMs,
    timeoutMs: duration('--timeout', options.timeout, [1_000, DAY_MS]),
    maxInFlight: number('--max-in-flight', options.maxInFlight, [1, 100_000]),
    seed: number('--seed', options.seed, [0, 2 ** 32 - 1]),
    targets: {
      p95Ms: duration('--target-p95', options.targetP95, [1, DAY_MS]),
      errorPart,
      pdfsPerHour: targetPerHour,
    },
  };
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return plan;
}
