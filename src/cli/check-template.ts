import type { Config } from '../config/load.ts';
import { CodedError, OperatorError } from '../kernel/errors.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { FlagRequest } from './flag-request.ts';
import { loadInput } from './load-input.ts';
import { dataFileOf } from './render-input.ts';

/**
 * Fills in a template with its own data.json, if it has one, without printing it.
 * @throws OperatorError that names the file and the line of a mistake
 */
export async function checkTemplate(folder: string, config: Config): Promise<void> {
  if ((await dataFileOf(folder, undefined)) === undefined) return;
  const { Composer } = await import('../templating/composer.ts');
  const timeoutMs = config.templateTimeoutMs;
  const composer = new Composer({ timeoutMs, memoryBytes: config.templateMemoryMb * MEGABYTE });
  await composer.start();
  try {
    const settings = { sent: new FlagRequest({}), dataFile: undefined, maxBytes: 0 };
    const { contentOf } = await loadInput({ kind: 'template', folder }, settings);
    await contentOf?.((about) => composer.compose(about, { timeoutMs }));
  } catch (error) {
    throw error instanceof CodedError ? new OperatorError(error.message, { cause: error }) : error;
  } finally {
    await composer.stop();
  }
}
