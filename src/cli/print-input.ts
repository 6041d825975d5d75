import { rename, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { FailedResource } from '../domain/job.ts';
import { reasonText } from '../domain/outcome.ts';
import type { RunDeps } from '../jobs/run.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Composer } from '../templating/composer.ts';
import { type InputSettings, type ReadyInput, withUnpacked } from './load-input.ts';
import type { RenderInput } from './render-input.ts';

export interface PrintDeps extends RunDeps {
  composer: Pick<Composer, 'compose'>;
}

/** Inputs that become one document, and where it goes; `-` is stdout. */
export interface PrintTask {
  inputs: readonly RenderInput[];
  output: string;
}

export interface Printed {
  /** paths; `-` is stdout */
  outputs: string[];
  pages: number;
  bytes: number;
  failedResources: readonly FailedResource[];
  /** families that the document asked for first, and did not get */
  missingFonts: readonly string[];
  /** what was not waited for, with bestAttempt */
  incomplete: readonly string[];
}

interface PrintContext {
  signal?: AbortSignal;
  /** whether a PDF appears as a whole: somebody looks at it */
  isWatched?: boolean;
  /** called before one of the inputs is read */
  onReady?: (input: ReadyInput, index: number) => Promise<void>;
}

/** Prints inputs as they are now. @throws OperatorError with what went wrong, in a sentence */
export async function printInput(
  deps: PrintDeps,
  { inputs, output }: PrintTask,
  settings: InputSettings,
  { signal, isWatched = false, onReady }: PrintContext = {},
): Promise<Printed> {
  const { runParts } = await import('../jobs/run.ts');
  const { loadDocument } = await import('./load-document.ts');
  const outcome = await withAllUnpacked(inputs, settings, async (ready) => {
    for (const [index, input] of ready.entries()) await onReady?.(input, index);
    return runParts(deps, await loadDocument(ready, settings, deps.composer), { tenant: 'render', signal });
  });
  signal?.throwIfAborted();
  if (outcome.kind !== 'done') throw new OperatorError(reasonText(outcome));
  const { files, failedResources, missingFonts, incomplete } = outcome;
  if (output === '-' && files.length > 1)
    throw new OperatorError(`it became ${files.length} files; allowed: -o FILE, or --out-dir`);
  const outputs: string[] = [];
  for (const [index, { chunks }] of files.entries()) {
    const path = output === '-' ? output : numbered(output, index);
    await writePdf(path, Buffer.concat(chunks), { isWhole: isWatched });
    outputs.push(path);
  }
  const sum = (of: 'pages' | 'size') => files.reduce((total, file) => total + file[of], 0);
  return { outputs, pages: sum('pages'), bytes: sum('size'), failedResources, missingFonts, incomplete };
}

async function withAllUnpacked<T>(
  [input, ...others]: readonly RenderInput[],
  settings: InputSettings,
  use: (ready: readonly ReadyInput[]) => Promise<T>,
): Promise<T> {
  if (!input) return use([]);
  return withUnpacked(input, settings, (ready) => withAllUnpacked(others, settings, (more) => use([ready, ...more])));
}

async function writePdf(path: string, bytes: Uint8Array, { isWhole }: { isWhole: boolean }): Promise<void> {
  if (path === '-') return writeOut(bytes);
  if (!isWhole) return writeFile(path, bytes);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((done, failed) => process.stdout.write(bytes, (error) => (error ? failed(error) : done())));
}

/** `out.pdf`, `out-2.pdf`, … */
function numbered(path: string, index: number): string {
  const extension = extname(path);
  return index === 0 ? path : `${path.slice(0, path.length - extension.length)}-${index + 1}${extension}`;
}

/** Failed resources that are named; the others are counted. */
const NAMED = 5;

/** What is missing in a PDF, each in a sentence. */
export function missingTexts({ failedResources, missingFonts, incomplete }: Printed): string[] {
  const texts: string[] = [];
  if (incomplete.length > 0) texts.push(`printed as it was: ${incomplete.join('; ')}`);
  if (failedResources.length > 0) {
    const named = failedResources.slice(0, NAMED).map(({ url, reason }) => `${url} (${reason})`);
    const more = failedResources.length > NAMED ? `, and ${failedResources.length - NAMED} more` : '';
    texts.push(`printed without ${failedResources.length} of its resources: ${named.join(', ')}${more}`);
  }
  if (missingFonts.length > 0) texts.push(`printed without fonts that are not here: ${missingFonts.join(', ')}`);
  return texts;
}
