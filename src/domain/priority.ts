import { z } from 'zod';

/** Priorities from low to high, with the numbers that are stored. */
const PRIORITIES = { low: 0, medium: 1, high: 2, critical: 3 } as const;

export type Priority = keyof typeof PRIORITIES;

export const PRIORITY_NAMES = Object.keys(PRIORITIES) as [Priority, ...Priority[]];

export const prioritySchema = z.enum(PRIORITY_NAMES).meta({ id: 'Priority' });

/** The name of a stored priority; the nearest name for other numbers. */
export function priorityName(value: number): Priority {
  return PRIORITY_NAMES[Math.min(Math.max(value, 0), PRIORITY_NAMES.length - 1)] ?? 'low';
}

/** A priority as it is stored. */
export function priorityNumber(priority: Priority | undefined): number | undefined {
  return priority && PRIORITIES[priority];
}
