import { createInterface } from 'node:readline/promises';
import { OperatorError, UsageError } from '../kernel/errors.ts';

/**
 * Asks at the terminal before what cannot be undone.
 * @throws UsageError where nobody can be asked and `--yes` was not given, OperatorError if the answer is another word
 */
export async function confirm(question: string, { yes = false }: { yes?: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError('Nobody can be asked here. Type --yes if it is meant.');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} Type yes: `);
  prompt.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new OperatorError('Nothing was done.');
}
