import type { Batch } from '../domain/batch.ts';
import { CodedError } from '../kernel/errors.ts';

/** The id of the job whose file is the merged PDF. @throws CodedError `batch_not_ready` */
export function mergedJobOf({ status, result, job }: Batch): string {
  if (result !== 'merged') throw notReady(`the items are not merged: the batch was sent with "result": "${result}"`);
  if (status !== 'completed' || job === null)
    throw notReady(`the batch is ${status}; the merged PDF is there when it is completed`);
  return job;
}

const notReady = (message: string) => new CodedError('batch_not_ready', message);
