import type { EventType } from '../domain/event-type.ts';
import { type Ended, eventOf, positionOf } from './ended.ts';
import { positionText } from './event-position.ts';

/** An event, written once for all who listen to it. */
export interface SentEvent {
  userId: string;
  /** its position as a text: no other event has it, and this one has it always */
  id: string;
  type: EventType;
  /** id of the job or batch that ended */
  of: string;
  /** as server-sent events are written */
  bytes: Uint8Array;
}

/** @param publicUrl of the service, without a slash at its end */
export function sentEvent(ended: Ended, publicUrl: string | undefined): SentEvent {
  const event = eventOf(ended, publicUrl);
  const position = positionOf(ended);
  const id = positionText(position);
  const text = `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  return { userId: ended.userId, id, type: event.type, of: position.id, bytes: Buffer.from(text) };
}
