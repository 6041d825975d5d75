import { describe, expect, it } from 'vitest';
import { parseLoadPlan } from '../../src/planning/load-plan.ts';

const DEFAULTS = {
  url: 'http://127.0.0.1:3000',
  users: '100',
  mix: 'invoice',
  ramp: '10s',
  duration: '30s',
  timeout: '60s',
  maxInFlight: '2000',
  seed: '1',
  targetP95: '5s',
  targetErrors: '1%',
};
const parse = (options: Record<string, string>) => parseLoadPlan({ ...DEFAULTS, ...options });

describe('the options of bench', () => {
  it('take durations and percentages as people write them', () => {
    expect(
      parse({ duration: '2m', ramp: '500ms', timeout: '90', targetP95: '1.5s', targetErrors: '0.5 %' }),
    ).toMatchObject({
      durationMs: 120_000,
      rampMs: 500,
      timeoutMs: 90_000,
      targets: { p95Ms: 1_500, errorPart: 0.005 },
    });
  });

  it('leave at least half of the time at full rate', () => {
    expect(parse({ duration: '6s' }).rampMs).toBe(3_000);
  });

  it('send more than a throughput that is to be reached, unless they say how much', () => {
    expect(parse({ targetPdfsPerHour: '5000' }).pdfsPerHour).toBe(6_000);
    expect(parse({ targetPdfsPerHour: '5000', pdfsPerHour: '5500' }).pdfsPerHour).toBe(5_500);
    expect(parse({ targetPdfsPerHour: '5000', rate: '2' }).pdfsPerMinute).toBe(2);
    expect(parse({})).toMatchObject({ pdfsPerMinute: undefined, pdfsPerHour: undefined });
  });

  it('are all refused at once, each with what is allowed, and no key is shown', () => {
    const wrong = {
      url: 'ftp://x',
      users: '0',
      rate: 'fast',
      mix: 'invoice,poem',
      duration: '1d',
      targetErrors: '1',
      key: 'pdf_secret!',
      tiers: 'starter:x',
    };
    const problem = (() => {
      try {
        parse(wrong);
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    for (const flag of ['--url', '--users', '--rate', '--mix', '--duration', '--target-errors', '--key', '--tiers'])
      expect(problem).toMatch(new RegExp(`^(UsageError: )?${flag}[ :].*allowed: .`, 'm'));
    expect(problem).not.toContain('secret');
    expect(() => parse({ rate: '1', pdfsPerHour: '1' })).toThrow(/--rate and --pdfs-per-hour/);
  });
});
