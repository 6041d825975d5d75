import { resolveDrizzleQuickly } from '../db/drizzle-resolution.ts';
import { runCommand } from './run-command.ts';

/** Milliseconds that an open handle may keep a finished command alive. */
const LINGER_MS = 2_000;

resolveDrizzleQuickly(); // before the commands' own imports
process.stdout.on('error', () => process.exit(1)); // the reader of a pipe has gone
await runCommand(process.argv);
setTimeout(() => process.exit(), LINGER_MS).unref();
