import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { overSettings } from '../domain/over-settings.ts';
import { parsePdfRequest, type PdfRequest } from '../domain/pdf-request.ts';
import { MAX_FILES, type Source } from '../domain/source.ts';
import { OperatorError, UsageError } from '../kernel/errors.ts';
import { folderFiles } from '../sources/folder.ts';
import { listFolder } from '../sources/folder-listing.ts';
import { decodeHtml, htmlEncoding } from '../sources/html-encoding.ts';
import { markdownToHtml } from '../sources/markdown.ts';
import { readFile as readFileOf } from '../sources/read-file.ts';
import type { Content, LoadContext } from '../sources/source-type.ts';
import { loadSource } from '../sources/sources.ts';
import { SETTINGS_FILE, templateSettings } from '../templates/template-settings.ts';
import { dataFileOf, inspectFolder, readJson, type RenderInput } from './render-input.ts';

/** What the command line says about every input. */
export interface InputSettings {
  /** of `--request` and the flags, as JSON has it */
  request: Record<string, unknown>;
  /** of `--data` */
  dataFile: string | undefined;
  /** bytes of a zip, unpacked */
  maxBytes: number;
}

/** A document that is ready to be printed. */
export interface LoadedInput {
  request: PdfRequest;
  /** undefined: the source of the request is all there is */
  contentOf?: (compose: LoadContext['compose']) => Promise<Content>;
}

/** An input whose files are on disk, or that has none. */
export type ReadyInput = Exclude<RenderInput, { kind: 'zip' }>;

/** Calls back with what is in a zip, which is there meanwhile; with other inputs as they are. @throws OperatorError */
export async function withUnpacked<T>(
  input: RenderInput,
  { dataFile, maxBytes }: InputSettings,
  use: (ready: ReadyInput) => Promise<T>,
): Promise<T> {
  if (input.kind !== 'zip') return use(input);
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-zip-'));
  try {
    const folder = join(directory, basename(input.path, extname(input.path)));
    await mkdir(folder);
    await unpack(input.path, folder, maxBytes);
    return await use(await inspectFolder(folder, { hasData: dataFile !== undefined }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Reads an input as it is now. @throws OperatorError, UsageError */
export async function loadInput(input: ReadyInput, settings: InputSettings): Promise<LoadedInput> {
  if (input.kind === 'url') return { request: parse({ ...settings.request, url: input.url }) };
  if (input.kind === 'stdin')
    return { request: parse({ ...settings.request, html: decodeHtml(await buffer(process.stdin)) }) };
  return input.kind === 'template' ? loadTemplate(input.folder, settings) : loadFile(input, settings);
}

/** A file is served together with its folder instead of opened by the browser, so it can read nothing else here. */
async function loadFile(
  { kind, folder, name }: Extract<RenderInput, { kind: 'page' | 'markdown' }>,
  { request: sent }: InputSettings,
): Promise<LoadedInput> {
  const request = parse({ ...sent, url: NO_ADDRESS });
  const bytes = await readFile(join(folder, name));
  if (kind === 'page') {
    const files = folderFiles({ folder, name, bytes, encoding: htmlEncoding(bytes) });
    return { request, contentOf: () => Promise.resolve({ files }) };
  }
  const text = decodeHtml(bytes);
  return {
    request,
    contentOf: async (compose) => {
      const html = await markdownToHtml(text, { settings: request, files: undefined, version: undefined, compose });
      return { files: folderFiles({ folder, name, bytes: Buffer.from(html), encoding: 'utf-8' }) };
    },
  };
}

/** A document of files has an address, which nobody sees. */
const NO_ADDRESS = 'http://file.invalid/';

/** Bytes of template.json. */
const MAX_SETTINGS = 1_000_000;

async function loadTemplate(folder: string, { request: sent, dataFile }: InputSettings): Promise<LoadedInput> {
  const files = await listFolder(folder, MAX_FILES);
  const { request: own } = templateSettings((await readFileOf(files, SETTINGS_FILE, MAX_SETTINGS))?.toString('utf8'));
  const request = parse({ ...overSettings(own, sent), url: NO_ADDRESS });
  const dataPath = await dataFileOf(folder, dataFile);
  const data = dataPath === undefined ? {} : await readJson(dataPath);
  const source: Source = { kind: 'template', value: { name: basename(resolve(folder)), data } };
  return {
    request,
    contentOf: (compose) => loadSource(source, { settings: request, files, version: undefined, compose }),
  };
}

function parse(json: Record<string, unknown>): PdfRequest {
  const parsed = parsePdfRequest(json);
  if (parsed.ok) return parsed.request;
  throw new UsageError(parsed.fields.map(({ field, message }) => `${field}: ${message}`).join('; '));
}

async function unpack(path: string, folder: string, maxBytes: number): Promise<void> {
  const { unzip } = await import('../sources/unzip.ts');
  const { ZipRefused } = await import('../sources/zip-entries.ts');
  const place = async (name: string) => {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    return target;
  };
  await unzip(path, { maxFiles: MAX_FILES, maxBytes, place }).catch((error: unknown) => {
    throw error instanceof ZipRefused ? new OperatorError(error.message, { cause: error }) : error;
  });
}
