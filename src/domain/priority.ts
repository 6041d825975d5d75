/** Priorities from low to high; the number is what is stored and ordered by. */
const PRIORITIES = { low: 0, medium: 1, high: 2, critical: 3 } as const;

export type Priority = keyof typeof PRIORITIES;

export const PRIORITY_NAMES = Object.keys(PRIORITIES) as [Priority, ...Priority[]];

/** The name of a stored priority. Numbers outside the table take the nearest name. */
export function priorityName(value: number): Priority {
  return PRIORITY_NAMES[Math.min(Math.max(value, 0), PRIORITY_NAMES.length - 1)] ?? 'low';
}

/** What a job gets: what was asked for, but never more than the tier allows. */
export function effectivePriority(asked: Priority | undefined, tier: number): number {
  return asked === undefined ? tier : Math.min(PRIORITIES[asked], tier);
}
