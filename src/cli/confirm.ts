import { createInterface } from 'node:readline/promises';
import { OperatorError, UsageError } from '../kernel/errors.ts';

/**
 * Asks at the terminal before something that cannot be undone.
 * @throws UsageError without a terminal and without `--yes`, OperatorError if the answer is not yes
 */
export async function confirm(question: string, { yes = false }: { yes?: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY)
    throw new UsageError('This needs a terminal to ask for confirmation. Add --yes to confirm.');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} Type yes: `);
  prompt.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new OperatorError('Nothing was done.');
}
