import { z } from 'zod';
import { BATCH_EVENT } from './batch-event.ts';
import { JOB_EVENTS } from './job-event.ts';

/** What endpoints may receive, and who listens. */
export const EVENT_TYPES = [...JOB_EVENTS, BATCH_EVENT] as const;
export const eventTypeSchema = z.enum(EVENT_TYPES).meta({ id: 'EventType' });
export type EventType = (typeof EVENT_TYPES)[number];
