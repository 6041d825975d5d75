import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { messageOf, OperatorError, UsageError } from '../../kernel/errors.ts';
import { forEachInSlots } from '../../kernel/for-each-in-slots.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { addFinishingFlags, withFinishingFlags } from '../finishing-flags.ts';
import type { InputSettings, ReadyInput } from '../load-input.ts';
import { loggerFor, printJson, printRows, progress, warn } from '../output.ts';
import { missingTexts, type PrintDeps, type Printed } from '../print-input.ts';
import { describeInput, inspectInput, type RenderInput } from '../render-input.ts';
import { readRequestFlag } from '../request-flag.ts';
import { outputType, planTasks, type RenderTask } from '../render-tasks.ts';
import { readConfig } from '../settings-flags.ts';

interface RenderOptions extends Record<string, unknown> {
  output?: string;
  outDir?: string;
  request?: string;
  data?: string;
  merge?: boolean;
  locale?: string;
  timezone?: string;
  allowHtml?: boolean;
  style?: string;
  watch?: boolean;
  json?: boolean;
}

const CONCURRENCY = 4;
/** Megabytes of an unpacked zip. */
const ZIP_MB = 500;

export function renderCommand(): Command {
  const command = new Command('render')
    .description('Print documents without database or server')
    .argument(
      '<input...>',
      'HTML, markdown and PDF files, templates and other directories, zips, http(s) URLs, - for stdin',
    )
    .option(
      '-o, --output <file>',
      'where one file goes, - for stdout (default: the name of the input); .png, .jpg and .webp are pictures, .html is what the page is then, .json says what is in the PDF; png, jpeg, webp, html or json alone too, of every input',
    )
    .option('--out-dir <directory>', 'where several files go')
    .option('--merge', 'one PDF of all inputs, in their order, with a bookmark for each')
    .option('--data <file>', 'JSON that a template prints (default: its data.json); a directory is a template then')
    .option('--watch', 'print again at each change of the files, until Ctrl-C')
    .option('--locale <tag>', 'language of the document: de-AT')
    .option('--timezone <name>', 'time zone of the document: Europe/Vienna')
    .option('--allow-html', 'HTML in markdown is HTML')
    .option('--style <file>', 'CSS of markdown, instead of ours')
    .option(
      '--request <json>',
      'everything else a job takes, as JSON, or @file: \'{"options":{"format":"A4"}}\'. Files that finishing names are paths',
    )
    .option('--json', 'one JSON document on stdout');
  return addFinishingFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt render invoice.html -o out.pdf
  pdfprompt render my-invoice --data march.json --watch
  pdfprompt render notes.md website.zip --out-dir pdfs
  pdfprompt render cover.html report.md terms.pdf --merge --title Report -o report.pdf
  pdfprompt render invoice.html --facturx invoice.xml -o invoice.pdf
  pdfprompt render https://example.com --request '{"options":{"format":"A4","landscape":true}}'
  cat x.html | pdfprompt render - > out.pdf`,
    )
    .action(render);
}

async function render(inputs: string[], options: RenderOptions): Promise<void> {
  const config = readConfig(options);
  const tasks = await planTasks(inputs, options);
  const read = async (): Promise<InputSettings> => ({
    sent: await withFinishingFlags(await readRequest(options, tasks), options),
    dataFile: options.data,
    maxBytes: ZIP_MB * MEGABYTE,
  });
  const settings = await read(); // what is wrong with the flags is better reported before a browser is started
  const { loadResult } = await import('../load-input.ts');
  for (const each of tasks) loadResult(each.inputs.length, settings);
  if (options.outDir !== undefined) await mkdir(options.outDir, { recursive: true });
  const { buildComposer } = await import('../../runtime/composer.ts');
  const { buildFinisher } = await import('../../runtime/worker.ts');
  const { buildRenderer } = await import('../../runtime/renderer.ts');
  // At a terminal only problems are of interest unless LOG_LEVEL says otherwise.
  const log = await loggerFor('render', config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { Events } = await import('../../telemetry/events.ts');
  const { ServiceGroup } = await import('../../kernel/lifecycle.ts');
  const events = new Events(log);
  const browser = needsBrowser(tasks, settings)
    ? await buildRenderer({ config, log, events, onProgress: progress })
    : undefined;
  const renderer = browser ?? { render: () => Promise.reject(new Error('nothing was to be printed')) };
  const finisher = buildFinisher({ config, events });
  const composer = buildComposer({ config, events });
  const services = new ServiceGroup([...(browser ? [browser] : []), finisher, composer]);
  await services.start();
  try {
    const deps = { renderer, finisher, composer };
    if (options.watch) await watchAll(deps, tasks, read, options);
    else await printAll(deps, tasks, settings, options);
  } finally {
    await services.stop();
  }
}

/** Whether anything is printed: PDFs are not, nor are PDFs over or under them. */
function needsBrowser(tasks: readonly RenderTask[], { sent }: InputSettings): boolean {
  const { overlay = [], underlay = [] } = (sent.json.finishing ?? {}) as Record<string, unknown[] | undefined>;
  const layers = [overlay, underlay].flat() as ({ pdf?: unknown } | null)[];
  if (layers.some((layer) => layer?.pdf === undefined)) return true;
  return tasks.some(({ inputs }) => inputs.some((input) => !/\.pdf$/i.test(input) || /^https?:/i.test(input)));
}

async function readRequest(options: RenderOptions, tasks: readonly RenderTask[]): Promise<Record<string, unknown>> {
  const { request: text, locale, timezone, allowHtml, style } = options;
  const request = text === undefined ? {} : await readRequestFlag(text);
  if ((request.runAt ?? undefined) !== undefined)
    throw new UsageError('--request: runAt: it is printed now; allowed with POST /v1/jobs');
  const ofMarkdown = {
    ...(request.markdownOptions as object | undefined),
    ...(allowHtml && { allowHtml }),
    ...(style !== undefined && { styleSheet: await readStyle(style) }),
  };
  const type = outputType(options);
  const isOfPdf = tasks.some(({ inputs }) => inputs.length > 1 || inputs.some((input) => /\.pdf$/i.test(input)));
  return {
    ...(type !== 'pdf' && { output: isOfPdf && type !== 'html' && type !== 'json' ? { type, pages: '1-' } : type }),
    ...request,
    ...(locale !== undefined && { locale }),
    ...(timezone !== undefined && { timezone }),
    ...(Object.keys(ofMarkdown).length > 0 && { markdownOptions: ofMarkdown }),
  };
}

async function readStyle(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--style: ${messageOf(error)}`, { cause: error });
  });
}

async function printAll(deps: PrintDeps, tasks: RenderTask[], settings: InputSettings, { json }: RenderOptions) {
  const { printInput } = await import('../print-input.ts');
  const results: Record<string, unknown>[] = [];
  let done = 0;
  await forEachInSlots([...tasks.entries()], CONCURRENCY, async ([index, { inputs, output }]) => {
    const input = inputs.join(', ');
    try {
      const found = await inspectAll(inputs, settings);
      const context = { onReady: sayOnce(inputs, found, settings) };
      const printed = await printInput(deps, { inputs: found, output }, settings, context);
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

async function inspectAll(inputs: readonly string[], { dataFile }: InputSettings): Promise<RenderInput[]> {
  const found: RenderInput[] = [];
  for (const input of inputs)
    found.push(
      await inspectInput(input, { hasData: dataFile !== undefined }).catch((error: unknown) => {
        throw inputs.length > 1 ? new OperatorError(`${input}: ${messageOf(error)}`, { cause: error }) : error;
      }),
    );
  return found;
}

/** Says what a directory or a zip is taken for, the first time. */
function sayOnce(inputs: readonly string[], found: readonly RenderInput[], { dataFile }: InputSettings) {
  const said = new Set<number>();
  return async (ready: ReadyInput, index: number): Promise<void> => {
    const input = inputs[index] ?? '';
    const isFolder =
      'folder' in ready && (found[index]?.kind === 'zip' || ready.kind === 'template' || ready.folder === input);
    if (isFolder && !said.has(index)) warn(`pdfprompt: ${input}: taken for ${await describeInput(ready, dataFile)}`);
    said.add(index);
  };
}

function warnOfMissing(input: string, printed: Printed): void {
  for (const missing of missingTexts(printed)) warn(`pdfprompt: ${input}: ${missing}`);
}

async function watchAll(
  deps: PrintDeps,
  tasks: RenderTask[],
  read: () => Promise<InputSettings>,
  { data, style, request, ...options }: RenderOptions,
): Promise<void> {
  const { printInput } = await import('../print-input.ts');
  const { watchInputs } = await import('../watch-inputs.ts');
  const requestFile = request?.startsWith('@') ? request.slice(1) : undefined;
  const settings = await read();
  const layers = [options['overlay'], options['underlay']].flat().filter((path) => typeof path === 'string');
  const others = [data, style, requestFile, ...layers, ...settings.sent.files.values()].filter((path) => path !== undefined); // prettier-ignore
  const watched = await Promise.all(
    tasks.map(async ({ inputs, output }) => {
      const input = inputs.join(', ');
      const found = await inspectAll(inputs, settings);
      const context = { isWatched: true, onReady: sayOnce(inputs, found, settings) };
      const printOnce = async (since: number, signal: AbortSignal) => {
        const printed = await printInput(deps, { inputs: found, output }, await read(), { ...context, signal });
        warnOfMissing(input, printed);
        const pages = printed.pages === 1 ? '1 page' : `${printed.pages} pages`;
        const ms = Math.round(performance.now() - since);
        printRows(printed.outputs.map((path) => [path, pages, `${ms} ms`]));
      };
      return {
        paths: [...new Set([...found.map((each, index) => watchedPath(inputs[index] ?? '', each)), ...others])],
        print: (since: number, signal: AbortSignal) =>
          printOnce(since, signal).catch((error: unknown) => {
            if (!signal.aborted) warn(`pdfprompt: ${input}: ${messageOf(error)}`);
          }),
      };
    }),
  );
  await watchInputs(
    watched,
    tasks.map(({ output }) => output),
  );
}

function watchedPath(input: string, found: RenderInput): string {
  if (found.kind === 'url' || found.kind === 'stdin')
    throw new UsageError(`--watch: ${input}: allowed: files and directories`);
  if (found.kind === 'zip' || found.kind === 'pdf') return found.path;
  return found.kind === 'template' || found.folder === input ? found.folder : dirname(input);
}
