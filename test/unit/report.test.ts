import { describe, expect, it } from 'vitest';
import { fillReport, type ReportValues, reportField, statusOfReport } from '../../src/domain/report.ts';
import { ERROR_CODES } from '../../src/kernel/errors.ts';

const FAILED: ReportValues = {
  status: 422,
  code: 'render_timeout',
  message: 'it was {slow} and {{ "odd"',
  job: 'a-job',
  timestamp: '2031-01-02T03:04:05.678Z',
};
const DELIVERED: ReportValues = { ...FAILED, status: null, code: null, message: null };

describe('the body of a report', () => {
  it.each<[string, unknown, unknown, ReportValues?]>([
    ['a number stays one', { a: '{status}' }, { a: 422 }],
    ['null stays null', { a: '{status}', b: ['{message}'] }, { a: null, b: [null] }, DELIVERED],
    ['what is null is nothing within a text', { a: 'was: {message}!' }, { a: 'was: !' }, DELIVERED],
    ['several in a text', '{code} ({status}) of {job}', 'render_timeout (422) of a-job'],
    ['braces of a value are its own', 'x{message}', `x${FAILED.message}`],
    ['a brace', '{{status} {{{job}', '{status} {a-job'],
    ['only a brace', '{{', '{'],
    ['what stands for nothing', '{massage} {}', '{massage} {}'],
    ['names of members stay', { '{job}': 1 }, { '{job}': 1 }],
    ['no text', { a: [1, true, null, { b: '{timestamp}' }] }, { a: [1, true, null, { b: FAILED.timestamp }] }],
  ])('%s', (_, body, filled, values = FAILED) => {
    expect(fillReport(body, values)).toEqual(filled);
  });

  it('is refused with braces around nothing that is known, at any depth', () => {
    const report = { on: 'failed', url: 'https://a.example/' };
    const problem = (body: unknown) => reportField.safeParse({ ...report, body }).error?.issues[0]?.message;
    for (const body of [{ a: '{massage}' }, { a: [{ b: 'x {} y' }] }, { a: '{{{status }' }])
      expect(problem(body)).toMatch(/stands for nothing; allowed in braces: status, code, message, job, timestamp/);
    for (const body of [{}, { a: '{{massage}' }, { a: 'no } brace {' }, { '{x}': 1 }])
      expect(problem(body)).toBeUndefined();
  });
});

describe('the status of an error', () => {
  it('is the one that the API has for it, unless the report has another', () => {
    for (const [code, { status }] of Object.entries(ERROR_CODES)) {
      expect(statusOfReport(code)).toBe(status);
      expect(statusOfReport(code, { [code]: 499, other: 1 })).toBe(499);
    }
    expect(['upload_failed', 'job_cancelled'].map((code) => statusOfReport(code))).toEqual([502, 409]);
    expect(statusOfReport('of a later release')).toBe(422);
  });
});
