import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob } from '../kernel/current-job.ts';
import type { Logger } from '../telemetry/log.ts';
import { listenForFailures } from './failures.ts';
import { listenForSignals } from './signals.ts';
import type { RunningProcess } from './start-process.ts';

/** Milliseconds behind the grace, or behind a second signal, in which a process has to have ended. */
const END_MS = 12_000;

interface RunOptions<T extends RunningProcess> {
  log: Logger;
  /** milliseconds that running work gets at a stop */
  graceMs: number;
  start: () => Promise<T>;
  onStarted: (running: T) => void;
  /** Ends a process that did not stop in time. */
  onStuck: () => void;
}

/**
 * Starts a process and resolves when a signal came and it has stopped. Phases: no new work →
 * running work finishes within the grace → what is left goes back to the queue → connections
 * close. A second signal ends the grace. A signal during the start is obeyed when that is over.
 *
 * What is thrown where nothing could catch it stops the process in the same way.
 * @throws what `start` throws, or what was thrown in that way
 */
export async function runUntilStopped<T extends RunningProcess>(options: RunOptions<T>): Promise<void> {
  const { log, graceMs, start, onStarted, onStuck } = options;
  const stopping = Promise.withResolvers<void>();
  const forced = Promise.withResolvers<void>();
  let isStopping = false;
  let running: T | undefined;
  let failure: { error: unknown } | undefined;
  const endWithin = (ms: number) => {
    void sleep(ms, undefined, { ref: false }).then(() => {
      log.error('process.stop_timed_out', { ms });
      onStuck();
    });
  };
  const stopListening = listenForSignals({
    onFirst: (signal) => {
      log.info('process.stopping', { signal });
      isStopping = true;
      endWithin(graceMs + END_MS);
      stopping.resolve();
    },
    onNext: (signal) => {
      log.warn('process.stop_forced', { signal });
      endWithin(END_MS);
      forced.resolve();
    },
  });
  const stopHearing = listenForFailures((error) => {
    if (running) running.failed(error, currentJob());
    else log.fatal('process.start_crashed', { err: error });
    if (failure) return;
    failure = { error };
    isStopping = true;
    endWithin(graceMs + END_MS);
    stopping.resolve();
  });
  try {
    running = await start();
    log.info('process.started');
    if (!isStopping) onStarted(running);
    await stopping.promise;
    void forced.promise.then(() => running?.forceStop());
    await running.stop();
    log.info('process.stopped');
  } finally {
    stopListening();
    stopHearing();
  }
  if (failure) throw failure.error;
}
