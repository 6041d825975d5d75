import { z } from 'zod';
import { PRIORITY_NAMES } from './priority.ts';

const count = (description: string) => z.int().min(0).meta({ description });
const rate = (description: string) => z.number().min(0).meta({ description });

/** The queue over all tenants, and the number of workers for it. */
export const queueFiguresSchema = z
  .strictObject({
    countedAt: z.iso.datetime().meta({ description: 'Every 5 seconds, by one process for all' }),
    depth: z.record(z.enum(PRIORITY_NAMES), count('Jobs that wait')),
    oldestSeconds: rate('Since the job that has waited longest was accepted; 0: none waits'),
    processing: count('Jobs under way'),
    workers: count('Workers alive'),
    serverConnections: z
      .strictObject({ active: count('Open, of everybody'), max: count('As many as the server takes') })
      .meta({ description: "Connections to the database's server" }),
    arrivalsPerSecond: rate('Jobs accepted or given back, over the last minute or so'),
    endedPerSecond: rate('Jobs ended, over the last minute or so'),
    perWorkerPerSecond: rate('What one worker has shown it can end, while jobs waited'),
    desiredWorkers: count('Workers that keep the wait below AUTOSCALE_TARGET_WAIT'),
  })
  .meta({ id: 'QueueFigures' });

export type QueueFigures = z.infer<typeof queueFiguresSchema>;

/** Queued jobs of all priorities. */
export function queuedJobs({ depth }: Pick<QueueFigures, 'depth'>): number {
  return Object.values(depth).reduce((sum, jobs) => sum + jobs, 0);
}
