import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/kernel/errors.ts';
import { type Flag, parseBenchOptions } from '../bench/options.ts';
import { type Comparison, comparePrinters, LOADS } from '../bench/peer-comparison.ts';
import { closedLoop, openLoop, poisson } from '../bench/peer-load.ts';
import { comparisonPlot } from '../bench/peer-plot.ts';
import { checkAnswer } from '../bench/peer-printer.ts';
import { comparisonMarkdown, comparisonText } from '../bench/peer-report.ts';
import { percentile } from '../bench/stage.ts';

const ALL: Flag[] = ['seconds', 'rows', 'users', 'pdfs', 'minutes', 'isolation', 'gotenberg', 'jsreport', 'browserless', 'out']; // prettier-ignore

describe('moments at which documents are due', () => {
  it.each([5, 40, 300])('are as many as %i a second, within four deviations', (rate) => {
    const moments = poisson(rate, 20);
    expect(Math.abs(moments.length - 20 * rate)).toBeLessThan(4 * Math.sqrt(20 * rate));
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    expect(Math.max(...moments)).toBeLessThan(20_000);
  });

  it('are the same ones for everybody, only closer for those who are faster', () => {
    const [slow, fast] = [poisson(10, 10), poisson(20, 5)];
    expect(fast).toHaveLength(slow.length);
    fast.forEach((moment, index) => expect(moment).toBeCloseTo((slow[index] ?? 0) / 2, 6));
  });
});

describe('the open loop', () => {
  const STALL_MS = 300;
  const moments = Array.from({ length: 20 }, (_, index) => index * 10);

  it('counts from the planned moment: who stalls has made all wait that were due meanwhile', async () => {
    const stall = sleep(STALL_MS);
    let free = stall; // one after the other
    const print = () => (free = free.then(() => sleep(1)));
    const { times, failures } = await openLoop(print, moments, 0.2);
    expect(failures).toBe(0);
    expect(times).toHaveLength(moments.length);
    times.forEach((ms, index) => expect(ms).toBeGreaterThan(STALL_MS - (moments[index] ?? 0) - 5));
    expect(percentile(times, 95)).toBeGreaterThan(STALL_MS - 15);
  });

  it('sends without waiting for those before, and counts failures with the first reason', async () => {
    let underWay = 0;
    const allThere = Promise.withResolvers<void>();
    const print = async () => {
      const number = underWay++;
      if (underWay === moments.length) allThere.resolve();
      await allThere.promise;
      if (number % 2 === 1) throw new Error(`refused ${number}`);
    };
    const { times, failures, firstFailure } = await openLoop(print, moments, 0.2);
    expect([times.length, failures, firstFailure]).toEqual([10, 10, 'refused 1']);
  });
});

describe('the closed loop', () => {
  it('has as many under way as there are clients, never more', async () => {
    let [underWay, most, printed] = [0, 0, 0];
    const print = async () => {
      most = Math.max(most, ++underWay);
      await sleep(2);
      underWay--;
      printed++;
    };
    const { times, seconds } = await closedLoop(print, { clients: 7, seconds: 0.1 });
    expect([most, times.length]).toEqual([7, printed]);
    expect(seconds).toBeGreaterThanOrEqual(0.1);
  });

  it('does not ask one that refuses at once a thousand times a second', async () => {
    const refuse = () => Promise.reject(new Error('connect ECONNREFUSED'));
    const { times, failures, firstFailure } = await closedLoop(refuse, { clients: 2, seconds: 0.25 });
    expect([times, firstFailure]).toEqual([[], 'connect ECONNREFUSED']);
    expect(failures).toBeGreaterThanOrEqual(2);
    expect(failures).toBeLessThanOrEqual(6);
  });
});

describe('an answer', () => {
  const pdf = '%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF';
  it.each([pdf, `${pdf}\n`, `${pdf}\r\n  \n`])('that is a whole PDF is one: %j', (text) =>
    expect(() => checkAnswer(200, Buffer.from(text))).not.toThrow(),
  );

  it.each<[number, string, string | RegExp]>([
    [503, 'busy\n  now', 'answered 503: busy now'],
    [500, '', 'answered 500'],
    [202, pdf, /^answered 202: %PDF/],
    [404, 'x'.repeat(10_000), `answered 404: ${'x'.repeat(120)}`],
    [200, '', 'the answer does not begin with %PDF-'],
    [200, ` ${pdf}`, 'the answer does not begin with %PDF-'],
    [200, '<html>%PDF-1.7 %%EOF', 'the answer does not begin with %PDF-'],
    ...[5, 12, pdf.length - 1].map(
      (length) => [200, pdf.slice(0, length), /does not end with %%EOF/] as [number, string, RegExp],
    ),
    [200, `${pdf}${'x'.repeat(40)}`, /does not end with %%EOF/],
  ])('%i %j is none', (status, body, problem) =>
    expect(() => checkAnswer(status, Buffer.from(body))).toThrow(
      problem instanceof RegExp ? problem : new Error(problem),
    ),
  );
});

describe('the comparison', async () => {
  const seen: string[] = [];
  const comparison = await comparePrinters(
    [
      { name: 'reference', print: () => sleep(2) },
      { name: 'half <of> it & more', print: () => sleep(8) },
      { name: 'none|of it', print: () => Promise.reject(new Error('answered 500: out | of order')) },
    ],
    { documents: [['a_b', 'x'], ['c', 'y']], clients: 2, seconds: 0.05, onProgress: (what) => seen.push(what) }, // prettier-ignore
  );

  it('measures each printer with each document at each load, in turns', () => {
    expect(comparison.documents.map(({ name }) => name)).toEqual(['a_b', 'c']);
    for (const { curves } of comparison.documents) {
      const [first, second, third] = curves;
      expect(first?.ratio).toBe(1);
      expect(second?.ratio).toBeLessThan(1);
      for (const curve of [first, second]) {
        expect(curve?.open.map(({ load }) => load)).toEqual(LOADS);
        for (const { load, offered } of curve?.open ?? [])
          expect(offered).toBeCloseTo(load * (curve?.closed.rate ?? 0), 6);
      }
      expect(third).toMatchObject({ ratio: 0, open: [], closed: { documents: 0, p50: null, p95: null } });
      expect(third?.closed.failures).toBeGreaterThan(0);
    }
    expect(seen.slice(0, 4)).toEqual([
      'a_b: reference, 2 clients',
      'a_b: half <of> it & more, 2 clients',
      'a_b: none|of it, 2 clients',
      'a_b: reference, 2 clients',
    ]);
  });

  it('is shown with the first reason of what failed', () => {
    expect(comparisonText(comparison)).toMatch(/none\|of it +0\.0 +0\.00 +– +– +\d+: answered 500: out \| of order/);
    const markdown = comparisonMarkdown(comparison, 'peers.svg');
    expect(markdown).toMatch(/\| none\\\|of it \| 0\.0 \|.* answered 500: out \\\| of order \|/);
    expect(markdown).toContain('half \\<of\\> it');
    expect(markdown).toContain('![p95 by throughput](peers.svg)');
    const columns = markdown.match(/^\|.*$/gm)?.map((line) => line.split(/(?<!\\)\|/).length) ?? [];
    expect(new Set(columns)).toEqual(new Set([8, 9]));
  });
});

describe('the plot', () => {
  const figures = { documents: 9, p50: 1, failures: 0 };
  const curve = (name: string, points: [rate: number, p95: number | null][]) => ({
    name,
    ratio: 1,
    closed: { ...figures, rate: 1, p95: 1 },
    open: points.map(([rate, p95], index) => ({ ...figures, rate, p95, offered: rate, load: LOADS[index] ?? 1 })),
  });
  const plotOf = (...curves: Comparison['documents'][number]['curves']) =>
    comparisonPlot({ clients: 1, seconds: 1, documents: [{ name: 'x < y', curves }] });

  it('has a line for each, on a logarithmic scale, and no markup of a name', async () => {
    const plot = await plotOf(curve('<b>A & B', [[1, 10], [2, 100], [4, 1_000]]), curve('C', [[1, null]])); // prettier-ignore
    expect(plot).toContain('&lt;b&gt;A &amp; B');
    expect(plot).not.toContain('<b>');
    const path = [...(/d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/.exec(plot) ?? [])]
      .slice(1)
      .map(Number);
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0] = path;
    expect(path).toHaveLength(6);
    expect(x3 - x2).toBeCloseTo(2 * (x2 - x1), 6);
    expect(y1 - y2).toBeGreaterThan(0);
    expect(y1 - y2).toBeCloseTo(y2 - y3, 6);
  });

  it.each([
    ['nothing came', []],
    ['one point', [[3, 20]]],
    ['all alike', [[3, 10], [3, 10]]],
    ['nearly nothing', [[0.001, 0.001], [0.002, 0]]],
    ['very much', [[1e6, 1e7], [2e6, 1e9]]],
  ] as [string, [number, number][]][])('is whole if there is %s', async (_, points) => {
    const plot = await plotOf(curve('A', points));
    expect(plot).not.toMatch(/NaN|Infinity|undefined|null/);
    for (const [, y = ''] of plot.matchAll(/ cy="([^"]*)"/g)) expect(Number(y)).toBeLessThanOrEqual(200);
  }); // prettier-ignore
});

describe('flags', () => {
  it('are read', () => {
    const arguments_ = '--gotenberg http://a:3000 x.html --gotenberg=https://b/c?token=1 --seconds 0.5 --isolation static,tenant --out o --json --pdfs 25000'; // prettier-ignore
    const { options, json } = parseBenchOptions(arguments_.split(' '), ALL);
    expect(json).toBe(true);
    expect({ ...options, gotenberg: options.gotenberg?.map(String) }).toEqual({
      files: ['x.html'],
      gotenberg: ['http://a:3000/', 'https://b/c?token=1'],
      seconds: 0.5,
      isolation: ['tenant', 'static'],
      out: 'o',
      pdfs: 25_000,
    });
  });

  const numbers = ['', '0', '-1', 'x', '1e9', 'NaN', '999999999999'];
  const addresses = ['', 'localhost:3000', 'ftp://a', 'a b', '//a'];
  const wrong: Record<string, string[]> = {
    seconds: numbers,
    minutes: numbers,
    rows: [...numbers, '1.5'],
    users: [...numbers, '1.5'],
    pdfs: [...numbers, '1.5'],
    isolation: ['', 'x', 'tenant,', 'tenant,tenant', 'Tenant'],
    gotenberg: addresses,
    jsreport: addresses,
    browserless: addresses,
  };
  const cases = Object.entries(wrong).flatMap(([flag, values]) => values.map((value) => [flag, value] as const));
  it.each(cases)('--%s=%s is refused, with what is allowed', (flag, value) => {
    const read = () => parseBenchOptions([`--${flag}=${value}`], ALL);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(new RegExp(`^--${flag}: .*allowed: `));
  });

  it.each(ALL)('--%s is refused where it is of no use, misspelled, and without a value', (flag) => {
    const others = ALL.filter((other) => other !== flag);
    const read = (argument: string, allowed: Flag[]) => () => parseBenchOptions([argument], allowed);
    expect(read(`--${flag}=1`, others)).toThrow(new RegExp(`^--${flag}: there is no such flag.*; allowed: --`));
    expect(read(`--${flag}x=1`, [flag])).toThrow(`did you mean --${flag}?; allowed: --${flag} `);
    expect(read(`--${flag}`, ALL)).toThrow(`--${flag}: a value is missing`);
  });

  it('that are wrong end the program with 2, and all are named', async () => {
    const arguments_ = ['test/bench/main.ts', 'peers', '--gotenbreg', 'http://a', '-x'];
    const run = promisify(execFile)(process.execPath, arguments_);
    const { code, stderr, stdout } = (await run.catch((error: unknown) => error)) as Record<string, unknown>;
    expect([code, stdout]).toEqual([2, '']);
    const allowed = '--gotenberg URL, --jsreport URL, --browserless URL, --seconds N, --out DIR, --json';
    expect(stderr).toBe(
      `--gotenbreg: there is no such flag, did you mean --gotenberg?; allowed: ${allowed}\n-x: there is no such flag; allowed: ${allowed}\n`,
    );
  });
});
