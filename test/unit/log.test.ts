import { DrizzleQueryError } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/telemetry/log.ts';

function logged(fields: object, human = false): string {
  const lines: string[] = [];
  createLogger({ level: 'info', process: 'test', human, write: (line) => lines.push(line) }).info(
    'job.submitted',
    fields,
  );
  return lines.join('');
}

describe('a log line', () => {
  it('is JSON with level, time, process, event and message', () => {
    expect(JSON.parse(logged({ jobId: 'j1' }))).toMatchObject({
      level: 'info',
      process: 'test',
      jobId: 'j1',
      event: 'job.submitted',
      msg: 'job submitted',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it('is for people on a terminal: the message, without the event', () => {
    const line = logged({ jobId: 'j1' }, true);
    expect(line).toContain('job submitted');
    expect(line).toContain('jobId=j1');
    expect(line).not.toContain('job.submitted');
  });

  it.each([
    { authorization: 'Bearer canary' },
    { request: { headers: { authorization: 'canary' } } },
    { html: '<p>canary</p>' },
    { key: 'canary' },
    { job: { html: 'canary' } },
    { err: new Error('connect to postgres://ann:canary@db:5432/x failed') },
    { note: 'pdf_canary0000000000000000000000000000000' },
    {
      err: new DrizzleQueryError('insert into pdfprompt_job values ($1)', ['canary'], new Error('connection lost')),
    },
  ])('never shows a secret: %o', (fields) => {
    expect(logged(fields)).not.toContain('canary');
    expect(logged(fields, true)).not.toContain('canary');
  });
});
