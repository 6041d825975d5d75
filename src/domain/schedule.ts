/** What becomes of the times of a schedule that were missed because no process was there: the newest is run, or none. */
export const MISSED = ['run', 'skip'] as const;
export type Missed = (typeof MISSED)[number];

/** What became of one time of a schedule; `waiting`: refused for a while, and tried again. */
export const RUN_STATUSES = ['waiting', 'submitted', 'refused', 'skipped'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
