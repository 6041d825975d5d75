/** What an operator does to all jobs of a filter. */
export const BULK_ACTIONS = ['cancel', 'retry', 'replay'] as const;
export type BulkActionName = (typeof BULK_ACTIONS)[number];

export type BulkActionStatus = 'running' | 'completed' | 'stopped';
