import type { OutgoingRequest } from '../egress/send-request.ts';

/** What is sent by one try of a delivery, without the headers that its owner or the service adds. */
export type PreparedRequest = Omit<OutgoingRequest, 'url' | 'signal'>;
