import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import { forEachInSlots } from '../../kernel/for-each-in-slots.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import type { InputSettings, ReadyInput } from '../load-input.ts';
import { loggerFor, print, printJson, progress, warn } from '../output.ts';
import { missingTexts, type PrintDeps, type Printed } from '../print-input.ts';
import { describeInput, inspectInput, nameOf, type RenderInput } from '../render-input.ts';
import { readConfig } from '../settings-flags.ts';

interface RenderOptions extends Record<string, unknown> {
  output?: string;
  outDir?: string;
  request?: string;
  data?: string;
  locale?: string;
  timezone?: string;
  allowHtml?: boolean;
  style?: string;
  watch?: boolean;
  json?: boolean;
}

/** An input and where its PDF goes; `-` is stdin and stdout. */
interface Task {
  input: string;
  output: string;
}

const CONCURRENCY = 4;
/** Megabytes of an unpacked zip. */
const ZIP_MB = 500;

export function renderCommand(): Command {
  return new Command('render')
    .description('Print documents without database or server')
    .argument('<input...>', 'HTML and markdown files, templates and other directories, zips, http(s) URLs, - for stdin')
    .option('-o, --output <file>', 'where one PDF goes; - for stdout (default: the name of the input)')
    .option('--out-dir <directory>', 'where several PDFs go')
    .option('--data <file>', 'JSON that a template prints (default: its data.json); a directory is a template then')
    .option('--watch', 'print again at each change of the files, until Ctrl-C')
    .option('--locale <tag>', 'language of the document: de-AT')
    .option('--timezone <name>', 'time zone of the document: Europe/Vienna')
    .option('--allow-html', 'HTML in markdown is HTML')
    .option('--style <file>', 'CSS of markdown, instead of ours')
    .option('--request <json>', 'everything else a job takes, as JSON, or @file: \'{"options":{"format":"A4"}}\'')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt render invoice.html -o out.pdf
  pdfprompt render my-invoice --data march.json --watch
  pdfprompt render notes.md website.zip --out-dir pdfs
  pdfprompt render https://example.com --request '{"options":{"format":"A4","landscape":true}}'
  cat x.html | pdfprompt render - > out.pdf`,
    )
    .action(render);
}

async function render(inputs: string[], options: RenderOptions): Promise<void> {
  const config = readConfig(options);
  const tasks = await plan(inputs, options);
  const read = async (): Promise<InputSettings> => ({
    request: await readRequest(options),
    dataFile: options.data,
    maxBytes: ZIP_MB * MEGABYTE,
  });
  await read(); // what is wrong with the flags is better reported before a browser is started
  if (options.outDir !== undefined) await mkdir(options.outDir, { recursive: true });
  const { buildComposer, buildFinisher, buildRenderer } = await import('../../runtime/worker.ts');
  // At a terminal only problems are of interest unless LOG_LEVEL says otherwise.
  const log = await loggerFor('render', config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { Events } = await import('../../telemetry/events.ts');
  const { ServiceGroup } = await import('../../kernel/lifecycle.ts');
  const events = new Events(log);
  const renderer = await buildRenderer({ config, log, events, onProgress: progress });
  const finisher = buildFinisher({ config, events });
  const composer = buildComposer({ config, events });
  const services = new ServiceGroup([renderer, finisher, composer]);
  await services.start();
  try {
    const deps = { renderer, finisher, composer };
    if (options.watch) await watchAll(deps, tasks, read, options);
    else await printAll(deps, tasks, await read(), options);
  } finally {
    await services.stop();
  }
}

async function plan(inputs: string[], { output, outDir, watch, json }: RenderOptions): Promise<Task[]> {
  if (output !== undefined && outDir !== undefined) throw new UsageError('-o and --out-dir: allowed: one of them');
  if (output !== undefined && inputs.length > 1)
    throw new UsageError(`-o: one file for ${inputs.length} inputs; allowed: --out-dir DIRECTORY`);
  const isToStdout = (input: string) => input === '-' && outDir === undefined;
  const tasks: Task[] = [];
  for (const input of inputs) {
    const path = async () => join(outDir ?? '.', `${await nameOf(input)}.pdf`);
    tasks.push({ input, output: output ?? (isToStdout(input) ? '-' : await path()) });
  }
  const taken = new Map<string, string>();
  for (const task of tasks) {
    const other = taken.get(task.output);
    if (other !== undefined)
      throw new UsageError(
        `${other} and ${task.input} would both be written to ${task.output}; allowed: inputs of different names`,
      );
    taken.set(task.output, task.input);
  }
  const toStdout = tasks.some((task) => task.output === '-');
  if (toStdout && process.stdout.isTTY)
    throw new UsageError('A PDF is not for a terminal; allowed: -o FILE, or > FILE');
  if (toStdout && json) throw new UsageError('--json: stdout is for the PDF; allowed: -o FILE');
  if (watch && (toStdout || json)) throw new UsageError('--watch: allowed: PDFs that are files, without --json');
  return tasks;
}

async function readRequest(options: RenderOptions): Promise<Record<string, unknown>> {
  const { request: text, locale, timezone, allowHtml, style } = options;
  const request = text === undefined ? {} : await parseRequest(text);
  const ofMarkdown = {
    ...(request.markdownOptions as object | undefined),
    ...(allowHtml && { allowHtml }),
    ...(style !== undefined && { styleSheet: await readStyle(style) }),
  };
  return {
    ...request,
    ...(locale !== undefined && { locale }),
    ...(timezone !== undefined && { timezone }),
    ...(Object.keys(ofMarkdown).length > 0 && { markdownOptions: ofMarkdown }),
  };
}

async function parseRequest(text: string): Promise<Record<string, unknown>> {
  try {
    const content = text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text;
    const json: unknown = JSON.parse(content.replace(/^\uFEFF/, ''));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--request: ${messageOf(error)}; allowed: a JSON object, or @file with one`, { cause: error });
  }
  throw new UsageError('--request: allowed: a JSON object, or @file with one');
}

async function readStyle(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--style: ${messageOf(error)}`, { cause: error });
  });
}

async function printAll(deps: PrintDeps, tasks: Task[], settings: InputSettings, { json }: RenderOptions) {
  const { printInput } = await import('../print-input.ts');
  const results: Record<string, unknown>[] = [];
  let done = 0;
  await forEachInSlots([...tasks.entries()], CONCURRENCY, async ([index, { input, output }]) => {
    try {
      const found = await inspect(input, settings);
      const context = { onReady: sayOnce(input, found, settings) };
      const printed = await printInput(deps, { input: found, output }, settings, context);
      results[index] = { input, ...printed };
      warnOfMissing(input, printed);
      if (tasks.length > 1) progress(`${++done} of ${tasks.length}: ${output}`);
    } catch (error) {
      results[index] = { input, error: messageOf(error) };
      process.exitCode = 1;
      warn(`pdfprompt: ${input}: ${messageOf(error)}`);
    }
  });
  if (json) printJson({ documents: results });
}

const inspect = (input: string, { dataFile }: InputSettings) =>
  inspectInput(input, { hasData: dataFile !== undefined });

/** Says what a directory or a zip is taken for, the first time. */
function sayOnce(input: string, found: RenderInput, { dataFile }: InputSettings) {
  let isSaid = false;
  return async (ready: ReadyInput): Promise<void> => {
    const isFolder = 'folder' in ready && (found.kind === 'zip' || ready.kind === 'template' || ready.folder === input);
    if (isFolder && !isSaid) warn(`pdfprompt: ${input}: taken for ${await describeInput(ready, dataFile)}`);
    isSaid = true;
  };
}

function warnOfMissing(input: string, printed: Printed): void {
  for (const missing of missingTexts(printed)) warn(`pdfprompt: ${input}: ${missing}`);
}

async function watchAll(
  deps: PrintDeps,
  tasks: Task[],
  read: () => Promise<InputSettings>,
  { data, style, request }: RenderOptions,
): Promise<void> {
  const { printInput } = await import('../print-input.ts');
  const { watchInputs } = await import('../watch-inputs.ts');
  const requestFile = request?.startsWith('@') ? request.slice(1) : undefined;
  const others = [data, style, requestFile].filter((path) => path !== undefined);
  const settings = await read();
  const inputs = await Promise.all(
    tasks.map(async ({ input, output }) => {
      const found = await inspect(input, settings);
      const context = { isWatched: true, onReady: sayOnce(input, found, settings) };
      const printOnce = async (since: number, signal: AbortSignal) => {
        const printed = await printInput(deps, { input: found, output }, await read(), { ...context, signal });
        warnOfMissing(input, printed);
        const pages = printed.pages === 1 ? '1 page' : `${printed.pages} pages`;
        print(`${printed.outputs.join(', ')}: ${pages}, ${Math.round(performance.now() - since)} ms`);
      };
      return {
        paths: [watchedPath(input, found), ...others],
        print: (since: number, signal: AbortSignal) =>
          printOnce(since, signal).catch((error: unknown) => {
            if (!signal.aborted) warn(`pdfprompt: ${input}: ${messageOf(error)}`);
          }),
      };
    }),
  );
  await watchInputs(
    inputs,
    tasks.map(({ output }) => output),
  );
}

function watchedPath(input: string, found: RenderInput): string {
  if (found.kind === 'url' || found.kind === 'stdin')
    throw new UsageError(`--watch: ${input}: allowed: files and directories`);
  if (found.kind === 'zip') return found.path;
  return found.kind === 'template' || found.folder === input ? found.folder : dirname(input);
}
