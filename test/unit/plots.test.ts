import { describe, expect, it } from 'vitest';
import { duration } from '../../src/charts/duration.ts';
import { niceCeiling } from '../../src/charts/plot.ts';
import type { Html } from '../../src/http/console/figures.ts';
import { historyTable, throughputPlot, waitPlot } from '../../src/http/console/plots.ts';
import type { HistoryBucket, ThroughputHistory } from '../../src/jobs/throughput-history.ts';

const start = Date.UTC(2031, 0, 1, 12);
const bucket = (index: number, figures: Partial<HistoryBucket> = {}): HistoryBucket => ({
  at: new Date(start + index * 60_000),
  completed: 0,
  failed: 0,
  waitP50: null,
  waitP95: null,
  ...figures,
});
const history = (...buckets: HistoryBucket[]): ThroughputHistory => ({
  range: '1h',
  bucketSeconds: 60,
  buckets,
  incompleteBefore: null,
});

const textOf = async (piece: Html) => (await piece).toString();

describe('a scale', () => {
  it.each([
    [0, 1],
    [1, 1],
    [3, 4],
    [57, 60],
    [61, 80],
    [81, 100],
    [1_001, 2_000],
    [0.013, 0.02],
  ])('for %d goes to %d', (value, top) => expect(niceCeiling(value)).toBeCloseTo(top, 9));
});

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [0.038, '38 ms'],
    [0.9996, '1.00 s'],
    [9.996, '10.0 s'],
    [59.96, '1 min'],
    [250, '4 min 10 s'],
    [7_500, '2 h 5 min'],
    [86_400 * 3 + 3_600 * 4, '3 d 4 h'],
  ])('of %d s is %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('the plot of throughput', async () => {
  const plot = await textOf(
    throughputPlot(history(bucket(0, { completed: 6, failed: 2 }), bucket(1), bucket(2, { failed: 1 }))),
  );
  const bars = (name: string) =>
    [
      ...plot.matchAll(
        new RegExp(`class="${name}"\\s+x="(\\d+)"\\s+y="([\\d.]+)"\\s+width="8"\\s+height="([\\d.]+)"`, 'g'),
      ),
    ].map(([, x, y, height]) => [Number(x), Number(y), Number(height)]);

  it('has a bar for what there was, one upon the other', () => {
    expect(bars('bar-completed')).toEqual([[1, 25, 75]]);
    expect(bars('bar-failed')).toEqual([
      [1, 0, 25],
      [21, 87.5, 12.5],
    ]);
  });

  it('is described in words too', () => {
    expect(plot).toContain('Throughput of the last hour: 6 completed, 3 failed, at most 8 jobs in 1 min');
    expect(plot).toMatch(/<svg\s+role="img"\s+aria-labelledby="throughput-title"/);
    expect(plot).toContain('12:00: 6 completed, 2 failed');
    expect(plot).not.toContain('style=');
  });

  it('shows one failure among many', async () => {
    const many = await textOf(throughputPlot(history(bucket(0, { completed: 10_000, failed: 1 }))));
    expect(many).toMatch(/class="bar-failed"\s+x="1"\s+y="-?[\d.]+"\s+width="8"\s+height="1"/);
  });
});

describe('the plot of waits', () => {
  it('joins what is beside each other, and leaves gaps where nothing ended', async () => {
    const waits = (waitP50: number) => ({ completed: 1, waitP50, waitP95: 2 * waitP50 });
    const plot = await textOf(
      waitPlot(history(bucket(0, waits(0.5)), bucket(1, waits(1)), bucket(2), bucket(3, waits(0.5)))),
    );
    expect(plot).toContain('d="M0 75H10V50H20M30 75H40"');
    expect(plot).toContain('d="M0 50H10V0H20M30 50H40"');
    expect(plot).toContain('p50 at most 1.00 s, p95 at most 2.00 s');
  });

  it('says that there is nothing', async () => {
    const plot = await textOf(waitPlot(history(bucket(0))));
    expect(plot).toContain('nothing has ended');
    expect(plot).toContain('d=""');
  });
});

describe('the table', () => {
  it('has every figure', async () => {
    const table = await textOf(
      historyTable(history(bucket(0, { completed: 1_234, failed: 5, waitP50: 0.25, waitP95: 12 }), bucket(1))),
    );
    expect(table).toContain('<data value="1234">1,234</data>');
    expect(table).toContain('<data value="12.000000">12.0 s</data>');
    expect(table.match(/<td>–<\/td>/g)).toHaveLength(2);
  });
});
