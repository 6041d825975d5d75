import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob } from '../kernel/current-job.ts';
import type { Logger } from '../telemetry/log.ts';
import { listenForSignals } from './signals.ts';
import type { RunningProcess } from './start-process.ts';

/** Milliseconds that a process has to end, after its grace period or after a second signal. */
const END_MS = 12_000;

interface RunOptions<T extends RunningProcess> {
  log: Logger;
  /** milliseconds that running work has at a stop */
  graceMs: number;
  start: () => Promise<T>;
  onStarted: (running: T) => void;
  /** Ends a process that did not stop in time. */
  onStuck: () => void;
}

/**
 * Starts a process, and resolves after a signal has stopped it. A stop takes no new work, lets running work finish
 * within the grace period, requeues the rest and closes the connections. A second signal ends the grace period. A
 * signal during the start takes effect after it.
 *
 * An error that nothing caught stops the process in the same way.
 * @throws what `start` throws, or the error that nothing caught
 */
export async function runUntilStopped<T extends RunningProcess>(options: RunOptions<T>): Promise<void> {
  const { log, graceMs, start, onStarted, onStuck } = options;
  const stopping = Promise.withResolvers<void>();
  const forceStop = Promise.withResolvers<void>();
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
      forceStop.resolve();
    },
  });
  const onFailure = (error: unknown) => {
    if (running) running.failed(error, currentJob());
    else log.fatal('process.start_crashed', { err: error });
    if (failure) return;
    failure = { error };
    isStopping = true;
    endWithin(graceMs + END_MS);
    stopping.resolve();
  };
  process.on('uncaughtException', onFailure).on('unhandledRejection', onFailure); // or Node ends the process at once
  try {
    running = await start();
    log.info('process.started');
    if (!isStopping) onStarted(running);
    await stopping.promise;
    void forceStop.promise.then(() => running?.forceStop());
    await running.stop();
    log.info('process.stopped');
  } finally {
    stopListening();
    process.off('uncaughtException', onFailure).off('unhandledRejection', onFailure);
  }
  if (failure) throw failure.error;
}
