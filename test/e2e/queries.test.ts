/** @module-tag long */

import { beforeAll, describe, expect, inject, it } from 'vitest';
import { keepLog } from '../support/logs.ts';
import { measureQueries, type MeasuredQuery } from '../support/measure-queries.ts';
import { faultsOf } from '../support/query-limits.ts';

const lines: string[] = [];
let measured: Awaited<ReturnType<typeof measureQueries>>;

describe('with a million jobs and a hundred thousand users', () => {
  beforeAll(async () => {
    measured = await measureQueries({
      jobs: 1_000_000,
      users: 100_000,
      dataDir: inject('dataDir'),
      log: (line) => lines.push(line),
    });
    keepLog(inject('dataDir'), lines.join(''));
  }, 600_000);

  it('every documented route was asked, and every verb done, without an error', () => {
    const visited = new Set(measured.visited.map((name) => name.replace(/ \(.*\)$/, '')));
    expect(measured.routes.filter((route) => !visited.has(route))).toEqual([]);
    expect(measured.routes.length).toBeGreaterThan(5);
    // Workers are lost on purpose, and some jobs with them for the third time; two directories are not there on purpose.
    const isMeant = (line: string) => /"code":"poison"|file:\/\/\/(?:not\/there|large)/.test(line);
    expect(lines.filter((line) => !isMeant(line))).toEqual([]);
  });

  it.each(['fresh', 'analyzed'] as const)('every query has its index and stays within its buffers: %s', (state) => {
    const queries = measured.rounds.find((round) => round.state === state)?.queries ?? [];
    expect(queries.flatMap(faultsOf).join('\n')).toBe('');
    expect(queries.length).toBeGreaterThan(50);
  });
});

describe('what is noticed of a query', () => {
  const fine: MeasuredQuery = {
    who: 'GET /v1/jobs',
    shape: 'read delivery, delivery_attempt, file, job',
    times: 16,
    buffers: 100,
    ms: { p50: 1, max: 2 },
    nodes: [],
    scanned: [],
    text: 'select',
  };
  it.each<[string, Partial<MeasuredQuery>, string]>([
    ['nothing, if all is well', {}, ''],
    ['a table that is read from end to end', { scanned: ['job'] }, 'reads all of job'],
    ['nothing, if it stays small', { scanned: ['worker'] }, ''],
    ['too many buffers', { buffers: 1_000 }, '1000 buffers, allowed: 600'],
    ['nothing, if they are few', { who: 'GET /v1/webhooks', shape: 'read webhook', buffers: 64 }, ''],
    ['more than a few, where one is enough', { who: 'GET /v1/webhooks', shape: 'read webhook', buffers: 65 }, '65 buffers, allowed: 64'], // prettier-ignore
    [
      'nothing, if the worker may do it by itself',
      { who: 'worker', shape: 'update job, update part', buffers: 1_500 },
      '',
    ],
    ['that nobody knows it', { shape: 'read job, lane' }, 'nobody has looked at it'],
    ['that it is new to a route', { who: 'GET /v2/jobs' }, 'nobody has looked at it'],
  ])('%s', (_, change, fault) => {
    const faults = faultsOf({ ...fine, ...change });
    expect(faults).toEqual(fault === '' ? [] : [expect.stringContaining(fault)]);
  });
});
