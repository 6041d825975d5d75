import type { Logger } from '../telemetry/log.ts';
import type { RunningProcess } from './compose.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes on the Ctrl-C that the terminal has sent us already: that is one signal, not two. */
const SAME_SIGNAL_MS = 500;

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
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      log.info({ signal }, 'stopping');
      signalled.resolve();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      log.warn({ signal }, 'stopping at once');
      hurried.resolve();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const running = await start();
    log.info('started');
    if (firstAt === undefined) onStarted(running);
    await signalled.promise;
    void hurried.promise.then(() => running.hurry());
    await running.stop();
    log.info('stopped');
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
