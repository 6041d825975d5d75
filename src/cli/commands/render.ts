import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { reasonText } from '../../domain/outcome.ts';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import { forEachInSlots } from '../../kernel/for-each-in-slots.ts';
import type { RunDeps } from '../../jobs/run.ts';
import type { Content } from '../../sources/source-type.ts';
import { loggerFor, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

interface RenderOptions extends Record<string, unknown> {
  output?: string;
  outDir?: string;
  request?: string;
}

/** An input and where its PDF goes; `-` is stdin and stdout. */
interface Task {
  input: string;
  output: string;
}

const CONCURRENCY = 4;

export function renderCommand(): Command {
  return new Command('render')
    .description('Print documents without database or server')
    .argument('<input...>', 'HTML files, http(s) URLs, or - for stdin')
    .option('-o, --output <file>', 'where one PDF goes; - for stdout (default: the name of the input)')
    .option('--out-dir <directory>', 'where several PDFs go')
    .option('--request <json>', 'everything else a job takes, as JSON, or @file: \'{"options":{"format":"A4"}}\'')
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt render invoice.html -o out.pdf
  pdfprompt render https://example.com --request '{"options":{"format":"A4","landscape":true}}'
  cat x.html | pdfprompt render - > out.pdf
  pdfprompt render *.html --out-dir pdfs`,
    )
    .action(async (inputs: string[], options: RenderOptions) => {
      const config = readConfig(options);
      const tasks = plan(inputs, options);
      const defaults = await readRequest(options.request);
      if (options.outDir !== undefined) await mkdir(options.outDir, { recursive: true });
      const { buildFinisher, buildRenderer } = await import('../../runtime/worker.ts');
      // At a terminal only problems are of interest unless LOG_LEVEL says otherwise.
      const log = await loggerFor('render', config.logLevel === 'info' ? 'warn' : config.logLevel);
      const { Events } = await import('../../telemetry/events.ts');
      const { ServiceGroup } = await import('../../kernel/lifecycle.ts');
      const events = new Events(log);
      const renderer = await buildRenderer({ config, log, events, onProgress: progress });
      const finisher = buildFinisher({ config, events });
      const services = new ServiceGroup([renderer, finisher]);
      await services.start();
      try {
        const failures = await renderAll({ renderer, finisher }, tasks, defaults);
        if (failures > 0) process.exitCode = 1;
      } finally {
        await services.stop();
      }
    });
}

function plan(inputs: string[], { output, outDir }: RenderOptions): Task[] {
  if (output !== undefined && outDir !== undefined) throw new UsageError('-o and --out-dir: allowed: one of them');
  if (output !== undefined && inputs.length > 1)
    throw new UsageError(`-o: one file for ${inputs.length} inputs; allowed: --out-dir DIRECTORY`);
  const tasks = inputs.map((input) => ({
    input,
    output: output ?? (input === '-' && outDir === undefined ? '-' : join(outDir ?? '.', `${nameOf(input)}.pdf`)),
  }));
  const taken = new Map<string, string>();
  for (const task of tasks) {
    const other = taken.get(task.output);
    if (other !== undefined)
      throw new UsageError(
        `${other} and ${task.input} would both be written to ${task.output}; allowed: inputs of different names`,
      );
    taken.set(task.output, task.input);
  }
  if (tasks.some((task) => task.output === '-') && process.stdout.isTTY)
    throw new UsageError('A PDF is not for a terminal; allowed: -o FILE, or > FILE');
  return tasks;
}

function nameOf(input: string): string {
  if (input === '-') return 'stdin';
  if (!isUrl(input)) return basename(input, extname(input));
  const { hostname, pathname } = new URL(input);
  return `${hostname}${pathname}`.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-|-$/g, '');
}

const isUrl = (input: string) => /^https?:\/\//i.test(input) && URL.canParse(input);

async function readRequest(text: string | undefined): Promise<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const content = text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text;
    const json: unknown = JSON.parse(content.replace(/^\uFEFF/, ''));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--request: ${messageOf(error)}; allowed: a JSON object, or @file with one`, { cause: error });
  }
  throw new UsageError('--request: allowed: a JSON object, or @file with one');
}

async function renderAll(deps: RunDeps, tasks: Task[], defaults: Record<string, unknown>): Promise<number> {
  let failures = 0;
  let done = 0;
  await forEachInSlots(tasks, CONCURRENCY, async (task) => {
    const problem = await renderOne(deps, task, defaults).catch(messageOf);
    done++;
    if (problem !== undefined) {
      failures++;
      warn(`pdfprompt: ${task.input}: ${problem}`);
    } else if (tasks.length > 1) progress(`${done} of ${tasks.length}: ${task.output}`);
  });
  return failures;
}

/** Failed resources that are named; the others are counted. */
const NAMED = 5;

/** @returns what went wrong, in a sentence; undefined if nothing did */
async function renderOne(deps: RunDeps, { input, output }: Task, defaults: Record<string, unknown>) {
  const { request, content } = await toRequest(input, defaults);
  const { runParts } = await import('../../jobs/run.ts');
  const contentOf = content && (async () => content);
  const job = { parts: [request], settings: request, ...(contentOf && { contentOf }) };
  const outcome = await runParts(deps, job, { tenant: 'render' });
  if (outcome.kind !== 'done') return reasonText(outcome);
  const { files, failedResources, missingFonts, incomplete } = outcome;
  if (output === '-' && files.length > 1) return `it became ${files.length} PDFs; allowed: -o FILE, or --out-dir`;
  for (const [index, { chunks }] of files.entries()) {
    const bytes = Buffer.concat(chunks);
    if (output !== '-') await writeFile(numbered(output, index), bytes);
    else
      await new Promise<void>((done, failed) =>
        process.stdout.write(bytes, (error) => (error ? failed(error) : done())),
      );
  }
  if (incomplete.length > 0) warn(`pdfprompt: ${input}: printed as it was: ${incomplete.join('; ')}`);
  if (failedResources.length > 0) {
    const named = failedResources.slice(0, NAMED).map(({ url, reason }) => `${url} (${reason})`);
    const more = failedResources.length > NAMED ? `, and ${failedResources.length - NAMED} more` : '';
    warn(`pdfprompt: ${input}: printed without ${failedResources.length} of its resources: ${named.join(', ')}${more}`);
  }
  if (missingFonts.length > 0)
    warn(`pdfprompt: ${input}: printed without fonts that are not here: ${missingFonts.join(', ')}`);
  return undefined;
}

/** `out.pdf`, `out-2.pdf`, … */
function numbered(path: string, index: number): string {
  const extension = extname(path);
  return index === 0 ? path : `${path.slice(0, path.length - extension.length)}-${index + 1}${extension}`;
}

async function toRequest(input: string, defaults: Record<string, unknown>) {
  const { source, content } = await readSource(input);
  const { parsePdfRequest } = await import('../../domain/pdf-request.ts');
  const parsed = parsePdfRequest({ ...defaults, ...source });
  if (parsed.ok) return { request: parsed.request, content };
  throw new UsageError(parsed.fields.map(({ field, message }) => `${field}: ${message}`).join('; '));
}

/** A file is served together with its folder instead of opened by the browser, so it can read nothing else here. */
async function readSource(input: string): Promise<{ source: object; content?: Content }> {
  if (isUrl(input)) return { source: { url: input } };
  const { decodeHtml, htmlEncoding } = await import('../../sources/html-encoding.ts');
  if (input === '-') return { source: { html: decodeHtml(await buffer(process.stdin)) } };
  const bytes = await readFile(input);
  const { folderFiles } = await import('../../sources/folder.ts');
  const files = folderFiles({ folder: dirname(input), name: basename(input), bytes, encoding: htmlEncoding(bytes) });
  return { source: { url: 'http://file.invalid/' }, content: { files } }; // a file is a document with a URL, which nobody sees
}
