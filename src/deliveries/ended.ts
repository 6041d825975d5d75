import { batchEvent, type BatchEvent } from '../domain/batch-event.ts';
import { jobEvent, type JobEvent } from '../domain/job-event.ts';
import type { OwnedBatch } from './batch-events.ts';
import type { EventPosition } from './event-position.ts';
import type { OwnedJob } from './job-events.ts';

/** A job or a batch that has ended. */
export type Ended = OwnedJob | OwnedBatch;

/** Its event. @param publicUrl of the service, without a slash at its end */
export const eventOf = (ended: Ended, publicUrl: string | undefined): JobEvent | BatchEvent =>
  'batch' in ended ? batchEvent(ended.batch, publicUrl) : jobEvent(ended.job, publicUrl);

/** The position of its event; always the same one. */
export function positionOf(ended: Ended): Required<EventPosition> {
  const { id, completedAt } = 'batch' in ended ? ended.batch : ended.job;
  return { atMs: completedAt.getTime(), id };
}
