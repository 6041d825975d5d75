/** The batches that have not ended, over all tenants. {@link MOST_COUNTED_BATCHES} of them are looked at, the oldest. */
export interface BatchFigures {
  batches: number;
  /** that have not ended: queued or being rendered */
  items: number;
  /** since the oldest batch was accepted; 0 without batches */
  oldestSeconds: number;
}

/** So that counting costs the same however many there are. */
export const MOST_COUNTED_BATCHES = 1_000;
