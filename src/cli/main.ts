import { resolveDrizzleQuickly } from '../db/drizzle-resolution.ts';
import { resolveQuickly } from '../kernel/quick-resolution.ts';
import { keepCompiledCode } from './compile-cache.ts';

/** Milliseconds that an open handle may keep a finished command alive. */
const LINGER_MS = 2_000;

/** They are started most, and wait for nobody: what other commands need is not loaded. */
const PROCESSES = new Set(['up', 'serve', 'work']);

// Before the commands are imported.
keepCompiledCode(process.env);
resolveDrizzleQuickly();
resolveQuickly();
process.stdout.on('error', () => process.exit(1)); // the reader of a pipe has gone
process.stderr.on('error', () => undefined); // that of the logs: the work goes on, and to report it would fail again
if (PROCESSES.has(process.argv[2] ?? '')) await (await import('./run-process.ts')).runProcess(process.argv);
else await (await import('./run-command.ts')).runCommand(process.argv);
setTimeout(() => process.exit(), LINGER_MS).unref();
