import { describe, expect, it } from 'vitest';
import { batchEvent, batchEventSchema, type EndedBatch } from '../../src/domain/batch-event.ts';
import { type EndedJob, jobEvent, jobEventSchema } from '../../src/domain/job-event.ts';
import { testEvent, testEventSchema } from '../../src/domain/test-event.ts';
import { parseVersion1 } from '../support/parse-version-1.ts';

const job: EndedJob = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  status: 'completed',
  filename: 'invoice.pdf',
  metadata: { order: 4711, paid: false, note: null },
  error: null,
  files: 2,
  pages: 3,
  size: 12_345,
  completedAt: new Date('2031-01-02T03:04:05.678Z'),
};
const none = { files: 0, pages: 0, size: 0 };
const JOBS: EndedJob[] = [
  job,
  { ...job, filename: null, metadata: {} },
  { ...job, ...none, status: 'failed', error: { code: 'render_timeout', message: 'it took too long' } },
  { ...job, ...none, status: 'cancelled' },
];

const batch: EndedBatch = {
  id: '01890a5d-ac96-774b-bcce-b302099a8058',
  status: 'completed',
  result: 'merged',
  filename: 'all.pdf',
  metadata: { month: '2031-01' },
  items: { total: 4, completed: 3, failed: 1, cancelled: 0, skipped: 2 },
  error: null,
  job: job.id,
  file: { pages: 7, size: 12_345 },
  completedAt: job.completedAt,
};

describe('version 1 of the payload', () => {
  it('is byte for byte what it was', () => {
    expect(JSON.stringify(jobEvent(job, 'https://pdf.example.com'))).toBe(
      '{"type":"job.completed","timestamp":"2031-01-02T03:04:05.678Z","version":1,"data":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","status":"completed","url":"https://pdf.example.com/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057","filename":"invoice.pdf","metadata":{"order":4711,"paid":false,"note":null},"error":null,"files":2,"pages":3,"size":12345,"completedAt":"2031-01-02T03:04:05.678Z"}}',
    );
    expect(JSON.stringify(testEvent(job.id, job.completedAt))).toBe(
      '{"type":"webhook.test","timestamp":"2031-01-02T03:04:05.678Z","version":1,"data":{"webhook":"01890a5d-ac96-774b-bcce-b302099a8057"}}',
    );
  });

  it.each(JOBS)('is understood by a parser of its first day: $status', (each) => {
    const event = jobEvent(each);
    expect(parseVersion1(JSON.stringify(event))).toMatchObject({ at: each.completedAt, pages: each.pages });
    const later = { ...event, more: [1], data: { ...event.data, links: { pdf: 'x' }, parts: 2 } };
    expect(parseVersion1(JSON.stringify(later))).toEqual(parseVersion1(JSON.stringify(event)));
    expect(jobEventSchema.strict().safeParse(event).error).toBeUndefined();
  });

  it('of a batch is byte for byte what it was', () => {
    expect(JSON.stringify(batchEvent(batch, 'https://pdf.example.com'))).toBe(
      '{"type":"batch.completed","timestamp":"2031-01-02T03:04:05.678Z","version":1,"data":{"id":"01890a5d-ac96-774b-bcce-b302099a8058","status":"completed","url":"https://pdf.example.com/v1/batches/01890a5d-ac96-774b-bcce-b302099a8058","result":"merged","filename":"all.pdf","metadata":{"month":"2031-01"},"items":{"total":4,"completed":3,"failed":1,"cancelled":0,"skipped":2},"error":null,"job":"01890a5d-ac96-774b-bcce-b302099a8057","file":{"pages":7,"size":12345},"completedAt":"2031-01-02T03:04:05.678Z"}}',
    );
  });

  it.each<Partial<EndedBatch>>([
    { result: 'zip', job: null, file: null, filename: null },
    { status: 'failed', error: { code: 'job_failed', message: 'no item' }, job: null, file: null },
    { status: 'cancelled', items: { total: 4, completed: 0, failed: 0, cancelled: 4, skipped: 0 } },
  ])('of a batch is what the OpenAPI document says: %j', (change) => {
    const event = batchEvent({ ...batch, ...change });
    expect(batchEventSchema.strict().safeParse(event).error).toBeUndefined();
    expect(event.data.url).toBe(`/v1/batches/${batch.id}`);
  });

  it('is what the OpenAPI document says of a test', () => {
    expect(testEventSchema.strict().safeParse(testEvent(job.id, job.completedAt)).error).toBeUndefined();
  });

  it.each([
    ['version', (event: object) => ({ ...event, version: 2 })],
    ['type', (event: object) => ({ ...event, type: 'job.done' })],
    ['data.pages', (event: { data: object }) => ({ ...event, data: { ...event.data, pages: '3' } })],
    ['data.error', (event: { data: object }) => ({ ...event, data: { ...event.data, error: undefined } })],
    ['timestamp', (event: object) => ({ ...event, timestamp: 1 })],
  ])('would be noticed to have another %s', (field, change) => {
    expect(() => parseVersion1(JSON.stringify(change(jobEvent(job))))).toThrow(field.includes('error') ? Error : `not version 1: ${field}`); // prettier-ignore
  });
});
