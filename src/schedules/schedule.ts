import { z } from 'zod';
import { schedule } from '../db/schema.ts';
import { checkedText } from '../domain/check-input.ts';
import type { JobStatus } from '../domain/job.ts';
import { canonicalTimezone } from '../domain/locale.ts';
import { MISSED, type Missed, type RunStatus } from '../domain/schedule.ts';
import { CodedError } from '../kernel/errors.ts';
import { cronProblem, MAX_CRON, nextTime } from './cron.ts';
import { meantTimezone } from './meant-timezone.ts';

/** Times to come that are shown. */
const SHOWN_TIMES = 5;

/** One time of a schedule, and what became of it. Times are ISO 8601 in UTC. */
export interface ScheduleRun {
  plannedAt: string;
  /** by a request, not by the clock */
  asked: boolean;
  status: RunStatus;
  /** of `skipped`: how many times, from `plannedAt` on; 1,000 means 1,000 or more */
  skipped: number;
  /** null: there is none, or it is deleted */
  job: { id: string; status: JobStatus } | null;
  error: { code: string; message: string } | null;
  startedAt: string;
}

/** A schedule, as its owner sees it. Times are ISO 8601 in UTC. */
export interface Schedule {
  name: string;
  cron: string;
  timezone: string;
  missed: Missed;
  paused: boolean;
  /** null: it is paused, or there is none to come */
  nextAt: string | null;
  lastRun: ScheduleRun | null;
  createdAt: string;
  updatedAt: string;
}

export type WholeSchedule = Schedule & {
  /** the times to come, at most five */
  nextTimes: string[];
  /** null: the key may not see what may be a credential */
  request: Record<string, unknown> | null;
};

function timezoneProblem(name: string): string | undefined {
  if (canonicalTimezone(name) !== undefined) return undefined;
  const meant = meantTimezone(name);
  return `there is no such time zone${meant === undefined ? '' : `; did you mean ${meant}?`}; allowed: a name as Europe/Vienna, or UTC`;
}

export const scheduleFields = z
  .strictObject({
    cron: checkedText(cronProblem, MAX_CRON).meta({
      description: 'Minute, hour, day of the month, month, day of the week; or `@monthly`, `@daily`, …',
      example: '0 8 1 * *',
    }),
    timezone: checkedText(timezoneProblem, 100).meta({
      description: 'On whose clocks: a name of the IANA database',
      example: 'Europe/Vienna',
    }),
    request: z
      .record(z.string(), z.unknown())
      .describe('As the body of `POST /v1/jobs`. What it refers to is looked up at each run: a template without a version is the newest one'),
    missed: z.enum(MISSED).default('run').describe('Times at which no process of the service was there: the newest of them is run late, or none'),
    paused: z.boolean().default(false).describe('Times while it is paused are not missed'),
  })
  .meta({ id: 'ScheduleSettings' }); // prettier-ignore
export type ScheduleFields = z.output<typeof scheduleFields>;

/** A row of {@link scheduleColumns}, with its last run. */
export interface ScheduleRow extends Pick<
  typeof schedule.$inferSelect,
  'name' | 'cron' | 'timezone' | 'missed' | 'paused' | 'nextAt' | 'createdAt' | 'updatedAt'
> {
  lastRun: ScheduleRun | null;
}

export const scheduleColumns = {
  name: schedule.name,
  cron: schedule.cron,
  timezone: schedule.timezone,
  missed: schedule.missed,
  paused: schedule.paused,
  nextAt: schedule.nextAt,
  createdAt: schedule.createdAt,
  updatedAt: schedule.updatedAt,
};

export function toSchedule({ nextAt, createdAt, updatedAt, ...row }: ScheduleRow): Schedule {
  return {
    ...row,
    nextAt: nextAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** The times to come of a schedule, at most five. */
export function nextTimes({ cron, timezone, nextAt }: Pick<ScheduleRow, 'cron' | 'timezone' | 'nextAt'>): string[] {
  const times: string[] = [];
  for (let time = nextAt ?? undefined; time && times.length < SHOWN_TIMES; time = nextTime({ cron, timezone }, time))
    times.push(time.toISOString());
  return times;
}

export function noSchedule(name: string): CodedError {
  return new CodedError('not_found', `there is no schedule ${name.slice(0, 100)}`);
}
