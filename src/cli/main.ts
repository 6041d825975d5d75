import { resolveDrizzleQuickly } from '../db/drizzle-resolution.ts';
import { resolveQuickly } from '../kernel/quick-resolution.ts';
import { keepCompiledCode } from './compile-cache.ts';

/** Milliseconds that an open handle may keep a finished command alive. */
const LINGER_MS = 2_000;

// Before the commands are imported.
keepCompiledCode(process.env);
resolveDrizzleQuickly();
resolveQuickly();
process.stdout.on('error', () => process.exit(1)); // the reader of a pipe has gone
const { runCommand } = await import('./run-command.ts');
await runCommand(process.argv);
setTimeout(() => process.exit(), LINGER_MS).unref();
