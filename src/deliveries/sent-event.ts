import { jobEvent, type JobEventType } from '../domain/job-event.ts';
import { positionOf, positionText } from './event-position.ts';
import type { OwnedJob } from './job-events.ts';

/** An event, written once for all who listen to it. */
export interface SentEvent {
  userId: string;
  jobId: string;
  type: JobEventType;
  /** Unix time in milliseconds at which the job ended */
  atMs: number;
  /** as server-sent events are written */
  bytes: Uint8Array;
}

/** @param publicUrl of the service, without a slash at its end */
export function sentEvent({ userId, job }: OwnedJob, publicUrl: string | undefined): SentEvent {
  const event = jobEvent(job, publicUrl);
  const position = positionOf(job);
  const text = `id: ${positionText(position)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  return { userId, jobId: job.id, type: event.type, atMs: position.atMs, bytes: Buffer.from(text) };
}
