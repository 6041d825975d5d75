import type { Job, Schedule, ScheduleRun, ScheduleSettings, WholeSchedule } from './api-types.ts';
import { type CallOptions, type Connection, jsonBody } from './connection.ts';
import { pages } from './pages.ts';

export class Schedules {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Saves a schedule: a request that becomes a job at the times of a cron expression. */
  async put(name: string, settings: ScheduleSettings, { signal }: CallOptions = {}): Promise<WholeSchedule> {
    return this.#connection.json({ method: 'PUT', path: schedulePath(name), body: jsonBody(settings), signal });
  }

  async get(name: string, { signal }: CallOptions = {}): Promise<WholeSchedule> {
    return this.#connection.json({ method: 'GET', path: schedulePath(name), signal });
  }

  /** Your schedules by name. */
  list(options: CallOptions = {}): AsyncGenerator<Schedule, void, undefined> {
    return pages(this.#connection, 'schedules', options);
  }

  /** What became of its times, newest first. */
  runs(name: string, options: CallOptions = {}): AsyncGenerator<ScheduleRun, void, undefined> {
    return pages(this.#connection, `${schedulePath(name)}/runs`, options);
  }

  /** A job of its request now, also if it is paused. */
  async run(name: string, { signal }: CallOptions = {}): Promise<Job> {
    return this.#connection.json({ method: 'POST', path: `${schedulePath(name)}/run`, signal });
  }

  /** Deletes a schedule and its history. */
  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.delete(schedulePath(name), { signal });
  }
}

const schedulePath = (name: string) => `schedules/${encodeURIComponent(name)}`;
