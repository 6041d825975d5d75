import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';

/** Events whose log nobody reads; their metrics can be. */
export function silentEvents(): Events {
  return new Events(createLogger({ level: 'silent', process: 'test', human: false, write: () => undefined }));
}
