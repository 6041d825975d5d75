import { Command } from 'commander';
import type { Config } from '../config/load.ts';
import { armCrashPoint, plantFaults } from '../kernel/crash-point.ts';
import type { ProcessOptions, RunningProcess } from '../runtime/start-process.ts';
import { loggerFor, print, printJson, progress, warn } from './output.ts';
import { readConfig } from './settings-flags.ts';

interface ProcessCommand<T extends RunningProcess> {
  name: 'up' | 'serve' | 'work';
  description: string;
  /** loads what the process needs, and nothing else does */
  start: (options: ProcessOptions) => Promise<T>;
  /** for people, when it has started */
  greeting: (running: T, config: Config) => string;
  /** for a script, which `--json` gives all of; without it stdout has the address alone */
  facts: (running: T, config: Config) => { url?: string; [name: string]: string | number | undefined };
}

/** A command that runs until it is stopped by a signal. */
export function processCommand<T extends RunningProcess>({
  name,
  description,
  start,
  greeting,
  facts,
}: ProcessCommand<T>): Command {
  const command = new Command(name)
    .description(description)
    .option('--json', 'one JSON document on stdout, when it has started');
  return command.action(async (options: Record<string, unknown> & { json?: boolean }) => {
    const config = readConfig(options);
    if (process.env.CHAOS_CRASH_AT !== undefined) armCrashPoint(process.env.CHAOS_CRASH_AT);
    if (process.env.CHAOS_DOCUMENTS !== undefined) plantFaults();
    const log = await loggerFor(name, config.logLevel);
    const { runUntilStopped } = await import('../runtime/shutdown.ts');
    await runUntilStopped({
      log,
      graceMs: config.shutdownGraceMs,
      start: () => start({ config, log, onProgress: progress }),
      onStarted: (running) => {
        const { url } = facts(running, config);
        if (options.json) printJson(facts(running, config));
        else if (url !== undefined && !process.stdout.isTTY) print(url); // the greeting has it for people
        warn(greeting(running, config));
      },
      onStuck: () => process.exit(1),
    });
  });
}
