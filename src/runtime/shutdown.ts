import type { Logger } from '../telemetry/log.ts';
import type { RunningProcess } from './compose.ts';
import { listenForSignals } from './signals.ts';

/**
 * Starts a process and resolves when a signal came and it has stopped. Phases: no new work →
 * running work finishes within the grace → what is left goes back to the queue → connections
 * close. A second signal ends the grace. A signal during the start is obeyed when that is over.
 */
export async function runUntilStopped<T extends RunningProcess>(
  log: Logger,
  start: () => Promise<T>,
  onStarted: (running: T) => void,
): Promise<void> {
  const signalled = Promise.withResolvers<void>();
  const hurried = Promise.withResolvers<void>();
  let isSignalled = false;
  const stopListening = listenForSignals({
    onFirst: (signal) => {
      isSignalled = true;
      log.info({ signal }, 'stopping');
      signalled.resolve();
    },
    onNext: (signal) => {
      log.warn({ signal }, 'stopping at once');
      hurried.resolve();
    },
  });
  try {
    const running = await start();
    log.info('started');
    if (!isSignalled) onStarted(running);
    await signalled.promise;
    void hurried.promise.then(() => running.hurry());
    await running.stop();
    log.info('stopped');
  } finally {
    stopListening();
  }
}
