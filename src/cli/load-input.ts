import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { overSettings } from '../domain/over-settings.ts';
import { finishingFiles, finishingSchema } from '../domain/finishing.ts';
import { parsePdfRequest, type PdfRequest } from '../domain/pdf-request.ts';
import { MAX_FILES, type Source } from '../domain/source.ts';
import { OperatorError, UsageError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { folderFiles } from '../sources/folder.ts';
import { listFolder } from '../sources/folder-listing.ts';
import { decodeHtml, htmlEncoding } from '../sources/html-encoding.ts';
import { markdownToHtml } from '../sources/markdown.ts';
import { readFile as readFileOf } from '../sources/read-file.ts';
import type { Content, LoadContext } from '../sources/source-type.ts';
import { loadSource } from '../sources/sources.ts';
import { SETTINGS_FILE, templateSettings } from '../templates/template-settings.ts';
import type { FlagRequest } from './flag-request.ts';
import { dataFileOf, inspectFolder, readJson, type RenderInput } from './render-input.ts';

/** What the command line says about every input. */
export interface InputSettings {
  /** of `--request` and the flags */
  sent: FlagRequest;
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
  /** of a PDF that is there already */
  path?: string;
  /** the files of a template, which its finishing may name */
  files?: Files;
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

/** Reads an input as it is now. @param isPart whether it is one of several that become one @throws OperatorError, UsageError */
export async function loadInput(input: ReadyInput, settings: InputSettings, isPart = false): Promise<LoadedInput> {
  const { sent } = settings;
  const json = isPart ? forPart(sent.json) : sent.json;
  if (input.kind === 'url') return { request: parse({ ...json, url: input.url }, sent) };
  if (input.kind === 'stdin')
    return { request: parse({ ...json, html: decodeHtml(await buffer(process.stdin)) }, sent) };
  if (input.kind === 'pdf') return loadPdf(input.path, isPart ? { pdf: json.pdf } : json, sent);
  return input.kind === 'template' ? loadTemplate(input.folder, { ...settings, isPart }) : loadFile(input, json, sent);
}

/** What inputs become, of which there are so many. @throws UsageError that names what is wrong with that */
export function loadResult(inputs: number, { sent }: InputSettings): PdfRequest {
  const { finishing, split, output, timeoutMs } = sent.json;
  const parts = Array.from({ length: inputs }, () => ({ html: ' ' }));
  return parse({ finishing, split, output, timeoutMs, ...(inputs > 1 ? { parts } : parts[0]) }, sent);
}

/** What becomes of the whole is not for one of its parts to say. */
function forPart(json: Record<string, unknown>): Record<string, unknown> {
  const { finishing: _, split: __, output: ___, ...own } = json;
  return own;
}

/** It is not printed, so that nothing of its folder is needed. */
function loadPdf(path: string, json: Record<string, unknown>, sent: FlagRequest): LoadedInput {
  const file = 'input.pdf'; // its own name may be none that a request allows
  const pdf = { ...(json.pdf as object | undefined), file };
  return { request: parse({ ...json, pdf }, sent, { [file]: PLACEHOLDER }), path };
}

/** A file is served together with its folder instead of opened by the browser, so it can read nothing else here. */
async function loadFile(
  { kind, folder, name }: Extract<RenderInput, { kind: 'page' | 'markdown' }>,
  json: Record<string, unknown>,
  sent: FlagRequest,
): Promise<LoadedInput> {
  const request = parse({ ...json, url: NO_ADDRESS }, sent);
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

async function loadTemplate(
  folder: string,
  { sent, dataFile, isPart }: InputSettings & { isPart: boolean },
): Promise<LoadedInput> {
  const files = await listFolder(folder, MAX_FILES);
  const { request: own } = templateSettings((await readFileOf(files, SETTINGS_FILE, MAX_SETTINGS))?.toString('utf8'));
  const json = overSettings(own, sent.json);
  const request = parse(
    { ...(isPart ? forPart(json) : json), url: NO_ADDRESS },
    sent,
    isPart ? {} : Object.fromEntries(files.names.map((name) => [name, PLACEHOLDER])),
  );
  const dataPath = await dataFileOf(folder, dataFile);
  const data = dataPath === undefined ? {} : await readJson(dataPath);
  const source: Source = { kind: 'template', value: { name: basename(resolve(folder)), data } };
  return {
    request,
    files,
    contentOf: (compose) => loadSource(source, { settings: request, files, version: undefined, compose }),
  };
}

/** Stands for a file that is on disk, where a request has its content. */
const PLACEHOLDER = { text: '' };

/** @param own files that the input brings @throws UsageError that names the flags, or the fields of `--request` */
function parse(json: Record<string, unknown>, sent: FlagRequest, own: Record<string, unknown> = {}): PdfRequest {
  const finishing = finishingSchema.safeParse(json.finishing);
  const named = finishing.success ? finishingFiles(finishing.data).map(({ name }) => name) : [];
  const onDisk = Object.fromEntries([...sent.files.keys(), ...named].map((name) => [name, PLACEHOLDER]));
  const files = { ...own, ...(json.finishing !== undefined && onDisk), ...(json.files as object | undefined) };
  const hasFiles = Object.keys(files).length > 0 && (json.url === undefined || json.finishing !== undefined);
  const parsed = parsePdfRequest({ ...json, ...(hasFiles && { files }) });
  if (parsed.ok) return parsed.request;
  throw new UsageError(parsed.fields.map((problem) => sent.textOf(problem)).join('; '));
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
