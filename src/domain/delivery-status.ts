import type { DeliveryStatus } from './delivery.ts';

/** A delivery's status as users see it. */
export const SHOWN_STATUSES = ['pending', 'delivered', 'failed', 'cancelled'] as const;
export type ShownStatus = (typeof SHOWN_STATUSES)[number];

/** Everything that is still to be sent is pending. */
export function shownStatus(status: DeliveryStatus): ShownStatus {
  return status === 'delivered' || status === 'failed' || status === 'cancelled' ? status : 'pending';
}

/** What became of the upload that a job's request asks for. */
export interface UploadState {
  status: ShownStatus;
  attempts: number;
  /** why the last attempt failed */
  error: string | null;
}
