import { z } from 'zod';
import { prioritySchema } from './priority.ts';

const count = (description: string) => z.int().min(0).describe(description);
const rate = (description: string) => z.number().min(0).describe(description);

/** The queue over all tenants, and the number of workers for it. What users wait for is apart from the items of batches. */
export const queueFiguresSchema = z
  .strictObject({
    countedAt: z.iso.datetime().describe('The queue is counted every 5 seconds'),
    depth: z.record(prioritySchema, count('Queued jobs, without the items of batches')),
    oldestSeconds: rate(
      'Since the oldest queued job was accepted, without the items of batches; 0 without queued jobs',
    ),
    items: count('Queued items of batches'),
    scheduled: count('Jobs whose time (`runAt`) is yet to come; 100,000 stands for any larger number'),
    paused: count('Jobs that are paused, items too, and counted nowhere else; 100,000 stands for any larger number'),
    processing: count('Jobs being rendered, items too'),
    workers: count('Workers alive'),
    serverConnections: z
      .strictObject({ active: count('Open, of all clients'), max: count('Maximum') })
      .describe("Connections to the database's server"),
    arrivalsPerSecond: rate('Jobs accepted or requeued, without the items of batches, over the last minute or so'),
    endedPerSecond: rate('Jobs ended, items too, over the last minute or so'),
    perWorkerPerSecond: rate('Measured rate of one worker while jobs were queued'),
    desiredWorkers: count('Workers that keep the wait below AUTOSCALE_TARGET_WAIT, and below ten times that for items'),
  })
  .meta({ id: 'QueueFigures' });

export type QueueFigures = z.infer<typeof queueFiguresSchema>;

/** Queued jobs of all priorities, without the items of batches. */
export function queuedJobs({ depth }: Pick<QueueFigures, 'depth'>): number {
  return Object.values(depth).reduce((sum, jobs) => sum + jobs, 0);
}
