import { describe, expect, it } from 'vitest';
import { loadReportText } from '../../src/cli/load-report-text.ts';
import { loadReportPage } from '../../src/planning/load-report-page.ts';
import type { PdfOutcome } from '../../src/planning/one-pdf.ts';
import { COMPLETED, PLAN, reportOf } from '../support/load-report.ts';

const many = (count: number, outcome: PdfOutcome) => Array.from({ length: count }, () => outcome);
const LIMITED: PdfOutcome = { kind: 'limitsHit' };
const LOST: PdfOutcome = { kind: 'errors', what: 'ECONNRESET', isUnanswered: true };

describe('the verdict on a load test', () => {
  it('is good if every target is met', () => {
    const { verdict } = reportOf(many(10, COMPLETED));
    expect(verdict.met).toBe(true);
    expect(verdict.targets.map(({ met }) => met)).toEqual([true, true]);
  });

  it('counts errors and failed jobs, not limits that were hit', () => {
    const targets = { ...PLAN.targets, errorPart: 0.25 };
    const plan = { ...PLAN, targets };
    const failed: PdfOutcome = { kind: 'failed', code: 'render_timeout', acceptedMs: 5 };
    const report = reportOf([...many(6, COMPLETED), LOST, failed, LIMITED, LIMITED], { plan });
    expect(report.counts).toEqual({
      offered: 10,
      completed: 6,
      limitsHit: 2,
      failed: 1,
      errors: 1,
      unfinished: 0,
      accepted: 7,
    });
    expect(report.verdict.targets[1]).toMatchObject({ actual: 0.25, met: true });
    expect(report.errors).toEqual({ ECONNRESET: 1 });
    expect(report.failures).toEqual({ render_timeout: 1 });
    expect(reportOf([...many(5, COMPLETED), LOST, failed, LIMITED], { plan }).verdict.met).toBe(false);
  });

  it('is bad if nothing was completed, whatever the reason', () => {
    expect(reportOf([]).verdict.met).toBe(false);
    expect(reportOf(many(10, LIMITED)).verdict).toMatchObject({ met: false });
  });

  it('is bad if the service is gone, and says since when', () => {
    const { verdict } = reportOf(many(10, COMPLETED), { endedBy: 'gone' });
    expect(verdict.met).toBe(false);
    expect(verdict.notes[0]).toContain('stopped answering at 2030-01-01T00:00:05.000Z');
  });

  it('holds a throughput against what was completed after the ramp', () => {
    const plan = { ...PLAN, rampMs: 5_000, targets: { ...PLAN.targets, pdfsPerHour: 3_600 } };
    expect(reportOf(many(10, COMPLETED), { plan })).toMatchObject({ pdfsPerHour: 3_600, verdict: { met: true } });
    const less = { ...plan, targets: { ...plan.targets, pdfsPerHour: 3_601 } };
    expect(reportOf(many(10, COMPLETED), { plan: less }).verdict.met).toBe(false);
  });
});

describe('the report of a load test', () => {
  it('escapes foreign text in HTML', async () => {
    const evil = `<img src=x onerror=alert(1)>"'&`;
    const report = reportOf([COMPLETED, { kind: 'errors', what: evil, isUnanswered: false }], {
      plan: { ...PLAN, url: `http://127.0.0.1/${evil}` },
      tier: evil,
    });
    const page = await loadReportPage(report);
    expect(page).not.toContain('<img');
    expect(page).not.toMatch(/<script|onerror=alert\(1\)>/);
    expect(page.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;').length - 1).toBeGreaterThanOrEqual(4);
    expect(loadReportText(report)).toContain(evil);
  });

  it('requests nothing', async () => {
    const page = await loadReportPage(reportOf(many(10, COMPLETED)));
    expect(page).not.toMatch(/(?:src|srcset|action)=|url\(|@import/);
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, target]) => target)).toEqual(['data:,']);
    expect(page).toContain("default-src 'none'");
  });

  it('can be made of nothing', async () => {
    const page = await loadReportPage(reportOf([]));
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(loadReportText(reportOf([]))).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws no number that is not finite', async () => {
    expect(await loadReportPage(reportOf([COMPLETED, LOST, LIMITED]))).not.toMatch(/NaN|undefined|Infinity/);
  });
});
