import { FlagValues } from './flag-values.ts';
import { SAMPLE_DOCUMENTS } from './sample-documents.ts';

export const DEFAULT_TIERS = 'starter:70,professional:25,enterprise:5';
export const DEFAULT_MIX = 'invoice:60,ticket:30,report:10';

/** Arrivals are random: to reach a throughput, somewhat more must be requested. */
const ABOVE_TARGET = 1.2;
const DAY_MS = 86_400_000;

/** A load test as it was ordered. */
export type LoadPlan = ReturnType<typeof parseLoadPlan>;

/** @param options the flags of `bench` as they were typed @throws UsageError that names every problem */
export function parseLoadPlan(options: Record<string, unknown>) {
  const flags = new FlagValues({ ...options, tiers: options['tiers'] ?? DEFAULT_TIERS });
  const url = flags.text('url');
  const part = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(flags.text('targetErrors'))?.[1]) / 100;
  flags.expect(part <= 1, 'targetErrors', 'a percentage such as 0.5%, up to 100%');
  const isHttp = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  flags.expect(isHttp, 'url', 'an address such as http://127.0.0.1:3000');
  flags.expect(!flags.has('key') || /^pdf_\w+$/.test(flags.text('key')), 'key', 'a key as pdf_…');
  if (flags.has('rate') && flags.has('pdfsPerHour')) flags.refuse('--rate and --pdfs-per-hour: allowed: one of them');
  if (flags.has('key') && options['tiers'] !== undefined)
    flags.refuse('--key and --tiers: the load of one key is that of one user; allowed: one of them');

  const perHour = (flag: string) => (flags.has(flag) ? flags.number(flag, [1, 1e9]) : undefined);
  const targetPerHour = perHour('targetPdfsPerHour');
  const durationMs = flags.time('duration', [1_000, DAY_MS]);
  const plan = {
    url,
    users: flags.number('users', [1, 100_000]),
    tiers: flags.shares('tiers', DEFAULT_TIERS),
    /** of each user; without it and `pdfsPerHour` the tiers suggest how much */
    pdfsPerMinute: flags.has('rate') ? flags.number('rate', [0.001, 100_000], 'any') : undefined,
    /** of all users */
    pdfsPerHour: perHour('pdfsPerHour') ?? (targetPerHour && targetPerHour * ABOVE_TARGET),
    mix: flags.shares('mix', DEFAULT_MIX, Object.keys(SAMPLE_DOCUMENTS)),
    /** part of the duration */
    rampMs: Math.min(flags.time('ramp', [0, DAY_MS]), durationMs / 2),
    durationMs,
    /** from the scheduled time of a PDF until it is given up */
    timeoutMs: flags.time('timeout', [1_000, DAY_MS]),
    /** PDFs under way at a time; further ones are not sent */
    maxInFlight: flags.number('maxInFlight', [1, 100_000]),
    seed: flags.number('seed', [0, 2 ** 32 - 1]),
    targets: {
      /** milliseconds of the turnaround at p95 */
      p95Ms: flags.time('targetP95', [1, DAY_MS]),
      /** errors and failed jobs divided by the PDFs offered; those over a limit are left out */
      errorPart: part,
      pdfsPerHour: targetPerHour,
    },
  };
  flags.end();
  return plan;
}
