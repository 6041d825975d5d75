/** What is still to be sent, over all tenants. {@link MOST_COUNTED_DELIVERIES} stands for any larger number. */
export interface DeliveryFigures {
  /** may be sent at once */
  ready: number;
  /** are being sent */
  sending: number;
  /** failed, and wait for their next attempt */
  waiting: number;
  /** for how long one has been ready, at most */
  oldestReadySeconds: number;
}

/** So that counting costs the same however many wait for receivers that are down. */
export const MOST_COUNTED_DELIVERIES = 100_000;
