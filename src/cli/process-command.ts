import { Command } from 'commander';
import type { Config } from '../config/load.ts';
import { armCrashPoint, plantFaults } from '../kernel/crash-point.ts';
import type { ProcessOptions, RunningProcess } from '../runtime/start-process.ts';
import { loggerFor, print, progress } from './output.ts';
import { readConfig } from './settings-flags.ts';

interface ProcessCommand<T extends RunningProcess> {
  name: 'up' | 'serve' | 'work';
  description: string;
  /** loads what the process needs, and nothing else does */
  start: (options: ProcessOptions) => Promise<T>;
  /** printed when it has started */
  greeting: (running: T, config: Config) => string;
}

/** A command that runs until it is stopped by a signal. */
export function processCommand<T extends RunningProcess>({
  name,
  description,
  start,
  greeting,
}: ProcessCommand<T>): Command {
  return new Command(name).description(description).action(async (options: Record<string, unknown>) => {
    const config = readConfig(options);
    if (process.env.CHAOS_CRASH_AT !== undefined) armCrashPoint(process.env.CHAOS_CRASH_AT);
    if (process.env.CHAOS_DOCUMENTS !== undefined) plantFaults();
    const log = await loggerFor(name, config.logLevel);
    const { runUntilStopped } = await import('../runtime/shutdown.ts');
    await runUntilStopped({
      log,
      graceMs: config.shutdownGraceMs,
      start: () => start({ config, log, onProgress: progress }),
      onStarted: (running) => print(greeting(running, config)),
      onStuck: () => process.exit(1),
    });
  });
}
