import { Command } from 'commander';
import { print, printJson, printRows, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

/** The longest name of a check. */
const NAME_WIDTH = 'room for temporary files'.length;
const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Check everything pdfprompt needs, and say what to do about what is missing')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Record<string, unknown> & { json?: boolean }) => {
      const config = readConfig(options);
      const { examine } = await import('../../runtime/doctor.ts');
      const checks = await examine(config, progress);
      const ok = checks.every((check) => check.status !== 'fail');
      if (options.json) printJson({ ok, checks });
      else if (!process.stdout.isTTY)
        printRows(checks.map(({ name, status, message, fix = '' }) => [status, name, message, fix]));
      else {
        const indent = ' '.repeat(NAME_WIDTH);
        for (const { name, status, message, fix } of checks) {
          print(`${MARKS[status]} ${name.padEnd(NAME_WIDTH)} ${message}`);
          if (fix) print(`  ${indent} → ${fix.replaceAll('\n', `\n  ${indent}   `)}`);
        }
      }
      if (!options.json)
        warn(ok ? '\npdfprompt can work here.' : '\npdfprompt cannot work here yet: see the lines with ✗.');
      if (!ok) process.exitCode = 1;
    });
}
