import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FileInput } from '../domain/source.ts';
import { onlyPart, type RequestPart } from '../domain/pdf-request.ts';
import type { FinishingFile } from '../finishing/finisher.ts';
import type { RunInput } from '../jobs/run.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { readFile as readFileOf } from '../sources/read-file.ts';
import { plainContent } from '../sources/sources.ts';
import type { Composer } from '../templating/composer.ts';
import { type InputSettings, loadInput, loadResult, type LoadedInput, type ReadyInput } from './load-input.ts';

type LoadedPart = RequestPart & { loaded: LoadedInput };

/** Bytes of a file that finishing names. */
const MAX_BYTES = 500_000_000;

/**
 * Reads the inputs that become one document, as they are now.
 * @throws OperatorError, UsageError
 */
export async function loadDocument(
  inputs: readonly ReadyInput[],
  settings: InputSettings,
  composer: Pick<Composer, 'compose'>,
): Promise<RunInput<LoadedPart>> {
  const [only, ...others] = inputs;
  const isMerged = others.length > 0;
  const loaded: LoadedInput[] = [];
  for (const input of inputs) loaded.push(await loadInput(input, settings, isMerged));
  const request = isMerged || !only ? loadResult(inputs.length, settings) : loaded[0]?.request;
  if (!request) throw new Error('there is no input');
  const { result, resultFiles = {} } = request;
  return {
    parts: loaded.map((each) => ({ ...onlyPart(each.request), loaded: each })),
    settings: request,
    result,
    contentOf: async ({ source, loaded: { contentOf } }, limits) =>
      contentOf ? contentOf((about) => composer.compose(about, limits)) : plainContent(source),
    pdfOf: ({ loaded: { path = '' } }) => fileOnDisk(path, path),
    filesOf: () => readFiles(resultFiles, { files: settings.sent.files, template: loaded[0]?.files }),
  };
}

/** The files that the result needs: of the request itself, of flags, of a template, or beside the current directory. */
async function readFiles(
  files: Readonly<Record<string, FileInput>>,
  { files: paths, template }: { files: ReadonlyMap<string, string>; template: Files | undefined },
): Promise<FinishingFile[]> {
  const read: FinishingFile[] = [];
  for (const [name, sent] of Object.entries(files)) {
    const given = typeof sent === 'string' ? undefined : bytesOf(sent);
    if (given && given.byteLength > 0) read.push({ name, chunks: [given] });
    else read.push(await readOne(name, paths.get(name), template));
  }
  return read;
}

async function readOne(name: string, path: string | undefined, template: Files | undefined): Promise<FinishingFile> {
  const own = path === undefined && template?.names.includes(name) ? await readFileOf(template, name, MAX_BYTES) : undefined; // prettier-ignore
  return own ? { name, chunks: [own] } : fileOnDisk(name, path ?? resolve(name));
}

const bytesOf = (file: Exclude<FileInput, string>) =>
  'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64');

async function fileOnDisk(name: string, path: string): Promise<FinishingFile> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new OperatorError(`${name}: ${messageOf(error)}`, { cause: error });
  });
  return { name, chunks: [bytes] };
}
