import { serveCommand } from './commands/serve.ts';
import { upCommand } from './commands/up.ts';
import { workCommand } from './commands/work.ts';
import { programOf, runProgram } from './run-program.ts';

/** Runs a command line of `up`, `serve` or `work`: it loads no other command, of which a process needs none. */
export async function runProcess(argv: string[]): Promise<void> {
  await runProgram(programOf([upCommand(), serveCommand(), workCommand()]), argv);
}
