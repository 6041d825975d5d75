import { describe, expect, it } from 'vitest';
import { type JobFilter, jobFilterFields, readJobFilter } from '../../src/domain/job-filter.ts';
import type { CodedError } from '../../src/kernel/errors.ts';

const USER = '0197b1c2-7a1e-7c3d-9d55-3f0e8a6b4c21';

/** Flat fields, and the filter that they are. */
const READ: [Record<string, string>, JobFilter][] = [
  [{}, {}],
  [{ status: 'failed' }, { status: 'failed' }],
  [{ user: USER }, { user: USER }],
  [{ email: 'Ann@' }, { email: 'ann@' }],
  [{ id: '0197B1C2-7' }, { id: '0197b1c2-7' }],
  [{ id: USER }, { id: USER }],
  [{ filename: 'Invoice 7' }, { filename: 'Invoice 7' }],
  [{ 'metadata.order': 'A-17' }, { metadata: { order: 'A-17' } }],
  [{ 'metadata.order': 'A-*', 'metadata.a.b': '1' }, { metadata: { order: 'A-*', 'a.b': '1' } }],
  [{ error: 'render_timeout' }, { error: 'render_timeout' }],
  [{ error: 'invalid_request' }, { error: 'invalid_request' }],
  [{ tier: 'starter' }, { tier: 'starter' }],
  [{ template: 'invoice' }, { template: 'invoice' }],
  [{ template: 'invoice@7' }, { template: 'invoice@7' }],
  [{ batch: USER }, { batch: USER }],
  [{ after: '2026-11-27' }, { after: '2026-11-27T00:00:00.000Z' }],
  [{ before: '2026-11-27T12:00:00+02:00' }, { before: '2026-11-27T10:00:00.000Z' }],
  [{ retried: 'false' }, { retried: false }],
  [
    { status: 'failed', error: 'poison', retried: 'true' },
    { status: 'failed', error: 'poison', retried: true },
  ],
];

/** Fields that are refused, the field that the error names, and what it says. */
const REFUSED: [Record<string, string>, string, string][] = [
  [{ status: 'fialed' }, 'status', 'did you mean failed?'],
  [{ state: 'failed' }, 'state', 'unknown field; did you mean status?'],
  [{ nonsense: 'x' }, 'nonsense', 'unknown field; allowed: status, '],
  [{ user: 'ann' }, 'user', 'a UUID such as'],
  [{ email: '' }, 'email', '1 to 320 characters'],
  [{ id: 'xyz' }, 'id', 'an id or its beginning'],
  [{ id: '0197b1c27a1e' }, 'id', 'an id or its beginning'],
  [{ id: '' }, 'id', 'an id or its beginning'],
  [{ filename: 'a\nb' }, 'filename', 'no control characters'],
  [{ error: 'render_timout' }, 'error', 'did you mean render_timeout?'],
  [{ template: 'In voice' }, 'template', 'the name of a template'],
  [{ batch: '1' }, 'batch', 'a UUID such as'],
  [{ after: 'yesterday' }, 'after', 'a date such as 2026-11-27'],
  [{ before: '2026-02-30' }, 'before', 'a date such as 2026-11-27'],
  [{ after: '2026-11-27T12:00' }, 'after', 'a date such as 2026-11-27'],
  [{ retried: 'yes' }, 'retried', 'true, false'],
  [{ metadata: 'order=A-17' }, 'metadata', 'an object'],
  [{ 'metadata.': 'x' }, 'metadata[""]', '1 to 100 characters'],
  [{ 'metadata.order': '' }, 'metadata.order', '1 to 500 characters'],
  [
    { 'metadata.a': '1', 'metadata.b': '1', 'metadata.c': '1', 'metadata.d': '1' },
    'metadata',
    'allowed: at most 3 entries',
  ],
];

describe('a filter of jobs', () => {
  it.each(READ)('%j is read', (fields, filter) => {
    expect(readJobFilter(fields)).toEqual(filter);
  });

  it.each(READ)('%j is written as it is read', (fields) => {
    const filter = readJobFilter(fields);
    expect(readJobFilter(jobFilterFields(filter))).toEqual(filter);
  });

  it.each(REFUSED)('%j is refused', (fields, field, words) => {
    const refused = () => readJobFilter(fields);
    expect(refused).toThrow(expect.objectContaining({ code: 'invalid_request' }) as CodedError);
    try {
      refused();
    } catch (error) {
      const { fields: problems } = error as CodedError;
      expect(problems).toEqual([{ field, message: expect.stringContaining(words) as string }]);
    }
  });
});
