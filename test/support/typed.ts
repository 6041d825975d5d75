import { inject, vi } from 'vitest';
import { runCommand } from '../../src/cli/run-command.ts';

export interface Typed {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * What `pdfprompt` does with a command line, in this process: the same code for a tenth of what a process
 * costs. That it is so in a process of its own is in e2e/cli.test.ts. One at a time.
 */
export async function typed(arguments_: string[], env: Record<string, string> = {}): Promise<Typed> {
  const { env: before, exitCode } = process;
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  process.env = { PATH: before.PATH, HOME: before.HOME, PDFPROMPT_DATA_DIR: inject('dataDir'), ...env };
  try {
    await runCommand(['node', 'pdfprompt', ...arguments_]);
    return { ...said, code: Number(process.exitCode) };
  } finally {
    process.env = before;
    process.exitCode = exitCode;
    for (const spy of spies) spy.mockRestore();
  }
}
