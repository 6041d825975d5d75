/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LoadPlan } from '../../src/planning/load-plan.ts';
import type { LoadReport } from '../../src/planning/load-report.ts';
import { runLoadTest } from '../../src/planning/load-test.ts';
import { PLAN } from '../support/load-report.ts';
import { freePort } from '../support/free-port.ts';
import { startStandIn } from '../support/stand-in-service.ts';

const USERS = [
  { key: 'pdf_a', tier: 'starter', usualRate: 60 },
  { key: 'pdf_b', tier: 'enterprise', usualRate: 60 },
];

/** A load test of a service, with two users that need not be made. */
async function test(
  plan: Partial<LoadPlan> & { url: string },
  {
    signal = new AbortController().signal,
    onProgress = () => undefined,
  }: { signal?: AbortSignal; onProgress?: () => void } = {},
): Promise<LoadReport> {
  const report = await runLoadTest({
    plan: { ...PLAN, ...plan },
    run: 'test',
    users: async () => ({ users: USERS, remove: async () => 0 }),
    signal,
    forceStop: new AbortController().signal,
    onProgress,
  });
  if (!report) throw new Error('there is no report');
  return report;
}

const perHour = (perSecond: number) => ({ pdfsPerHour: perSecond * 3_600 });

describe('a load test', () => {
  it('sees a stall of two seconds as its users would', async () => {
    const service = await startStandIn();
    setTimeout(() => service.stall(2_000), 2_000);
    const { counts, latency, generator } = await test({ url: service.url, durationMs: 6_000, ...perHour(40) });
    expect(counts.completed).toBe(counts.offered);
    expect(counts.offered).toBeGreaterThan(150);
    // A third was to be sent during the stall. Who waits for an answer before asking again has seen it once.
    expect(latency.turnaround.p99).toBeGreaterThan(1_700);
    expect(latency.turnaround.p90).toBeGreaterThan(1_000);
    expect(latency.accept.p99).toBeGreaterThan(1_700);
    expect(generator.peakInFlight).toBeGreaterThan(50);
  });

  it('calls a limit that was hit an answer, and an error an error, by tier and by name', async () => {
    const service = await startStandIn({
      refuse: (number) =>
        [{ status: 429, code: 'rate_limited' }, { status: 503, code: 'unavailable' }, undefined, undefined][number % 4],
    });
    const { counts, errors, tiers } = await test({ url: service.url, durationMs: 2_000, ...perHour(40) });
    expect(counts.limitsHit).toBe(Math.ceil(counts.offered / 4));
    expect(errors).toEqual({ 'HTTP 503 unavailable': counts.errors });
    expect(counts.errors).toBe(Math.ceil((counts.offered - 1) / 4));
    expect(counts.completed).toBe(counts.offered - counts.limitsHit - counts.errors);
    const sum = (name: 'offered' | 'limitsHit') => (tiers.starter?.[name] ?? 0) + (tiers.enterprise?.[name] ?? 0);
    expect([sum('offered'), sum('limitsHit')]).toEqual([counts.offered, counts.limitsHit]);
    expect(tiers.starter?.offered).toBeGreaterThan(0);
    expect(tiers.enterprise?.offered).toBeGreaterThan(0);
  });

  it('gives up what takes too long, and has it cancelled', async () => {
    const service = await startStandIn({ isEndless: true });
    const plan = { url: service.url, durationMs: 2_000, timeoutMs: 2_000, ...perHour(5) };
    const { counts, errors } = await test(plan);
    expect(errors).toEqual({ timeout: counts.offered });
    expect(service.cancelled.length).toBe(counts.accepted);
    expect(counts.accepted).toBeGreaterThan(0);
  });

  it('does not send what is more than may be under way, and says so', async () => {
    const service = await startStandIn({ isEndless: true });
    const plan = { url: service.url, durationMs: 2_000, timeoutMs: 5_000, maxInFlight: 3, ...perHour(20) };
    const { counts, errors, verdict, generator } = await test(plan);
    expect(generator.peakInFlight).toBe(3);
    expect(errors).toEqual({ timeout: 3, 'not sent': counts.offered - 3 });
    expect(verdict.notes.join()).toContain('were not sent');
  });

  it('looks at the PDF', async () => {
    const service = await startStandIn({ pdf: '%PDF-1.4 cut of' });
    const { counts, errors } = await test({ url: service.url, durationMs: 1_000, ...perHour(20) });
    expect(errors).toEqual({ 'not the PDF that was promised': counts.offered });
  });

  it('reports what it saw when it is ended', async () => {
    const service = await startStandIn({ isEndless: true });
    const stop = new AbortController();
    let ticks = 0;
    const onProgress = () => void (++ticks === 2 && stop.abort());
    const report = await test(
      { url: service.url, durationMs: 60_000, timeoutMs: 60_000, ...perHour(20) },
      { signal: stop.signal, onProgress },
    );
    expect(report.endedBy).toBe('signal');
    expect(report.counts.unfinished).toBe(report.counts.offered);
    expect(service.cancelled.length).toBe(report.counts.accepted);
  });

  it('ends when the service is gone, and says when it was there last', async () => {
    const service = await startStandIn();
    const startedAt = Date.now();
    const stopped = sleep(2_000).then(() => service.stop());
    const report = await test({ url: service.url, durationMs: 60_000, ...perHour(20) });
    await stopped;
    expect(report.endedBy).toBe('gone');
    expect(report.counts.completed).toBeGreaterThan(0);
    expect(Date.parse(report.goneSince ?? '')).toBeGreaterThan(startedAt);
    expect(Date.parse(report.goneSince ?? '')).toBeLessThan(Date.parse(report.endedAt) - 4_000);
    expect(report.verdict.met).toBe(false);
  });

  it('does not begin where there is no service, or another one', async () => {
    const port = await freePort();
    await expect(test({ url: `http://127.0.0.1:${port}` })).rejects.toThrow(/There is no service at .*ECONNREFUSED/);
    const service = await startStandIn({ isStranger: true });
    await expect(test({ url: service.url })).rejects.toThrow(/is no pdfprompt: GET \/livez says 404/);
  });
});
