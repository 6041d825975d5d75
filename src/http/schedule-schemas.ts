import { z } from 'zod';
import { MISSED, RUN_STATUSES } from '../domain/schedule.ts';
import { jobErrorSchema, jobStatusSchema } from './schemas.ts';

const instant = z.iso.datetime();

export const scheduleRunSchema = z
  .object({
    plannedAt: instant,
    asked: z.boolean().meta({ description: 'By `POST /v1/schedules/{name}/run`, not by the clock' }),
    status: z.enum(RUN_STATUSES).meta({
      description:
        '`submitted`: there is a job; `waiting`: the minute’s limit was reached, and it is tried again for an hour; `refused`: for good; `skipped`: the time was missed',
    }),
    skipped: z.int().meta({ description: 'Of `skipped`: how many times, from `plannedAt` on; 1000 means 1,000 or more' }),
    job: z
      .object({ id: z.uuid(), status: jobStatusSchema })
      .meta({ id: 'JobOfRun' })
      .nullable()
      .meta({ description: 'null: there is none, or it is deleted' }),
    error: jobErrorSchema
      .nullable()
      .meta({ description: 'Why it waits or is refused; `code` as that of a problem' }),
    startedAt: instant,
  })
  .meta({ id: 'ScheduleRun' }); // prettier-ignore

export const scheduleSchema = z
  .object({
    name: z.string(),
    cron: z.string(),
    timezone: z.string(),
    missed: z.enum(MISSED),
    paused: z.boolean(),
    nextAt: instant.nullable().meta({ description: 'null: it is paused, or there is none to come' }),
    lastRun: scheduleRunSchema.nullable(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Schedule' });

export const wholeScheduleSchema = scheduleSchema
  .extend({
    nextTimes: z.array(instant).meta({ description: 'The times to come, at most five' }),
    request: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'null for a key without `jobs:write`: it may hold credentials' }),
  })
  .meta({ id: 'WholeSchedule' });

export const scheduleParams = z.object({ name: z.string().meta({ description: "The schedule's name" }) });
