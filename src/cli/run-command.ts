import type { Command } from 'commander';
import { backupCommand } from './commands/backup.ts';
import { batchCommand } from './commands/batch.ts';
import { benchCommand } from './commands/bench.ts';
import { checkCommand } from './commands/check.ts';
import { consoleCommand } from './commands/console.ts';
import { completionCommand } from './commands/completion.ts';
import { dbCommand } from './commands/db.ts';
import { doctorCommand } from './commands/doctor.ts';
import { initCommand } from './commands/init.ts';
import { jobsCommand } from './commands/jobs.ts';
import { keysCommand } from './commands/keys.ts';
import { mcpCommand } from './commands/mcp.ts';
import { migrateCommand } from './commands/migrate.ts';
import { planCommand } from './commands/plan.ts';
import { renderCommand } from './commands/render.ts';
import { restoreCommand } from './commands/restore.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { templatesCommand } from './commands/templates.ts';
import { tierCommand } from './commands/tier.ts';
import { tiersCommand } from './commands/tiers.ts';
import { upCommand } from './commands/up.ts';
import { usersCommand } from './commands/users.ts';
import { workCommand } from './commands/work.ts';
import { programOf, runProgram } from './run-program.ts';

/** Runs any command line. See {@link runProgram}. */
export async function runCommand(argv: string[]): Promise<void> {
  await runProgram(createProgram(), argv);
}

/** Every command, with its own flags. */
export function createProgram(): Command {
  return programOf([
    upCommand(),
    serveCommand(),
    workCommand(),
    renderCommand(),
    initCommand(),
    templatesCommand(),
    batchCommand(),
    mcpCommand(),
    migrateCommand(),
    jobsCommand(),
    backupCommand(),
    restoreCommand(),
    keysCommand(),
    tierCommand(),
    tiersCommand(),
    usersCommand(),
    consoleCommand(),
    statusCommand(),
    checkCommand(),
    doctorCommand(),
    benchCommand(),
    planCommand(),
    dbCommand(),
    completionCommand(),
  ]);
}
