import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Command } from 'commander';
import { reasonText } from '../../domain/outcome.ts';
import type { PdfRequest } from '../../domain/pdf-request.ts';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import type { Renderer } from '../../render/renderer.ts';
import { loggerFor, progress, warn } from '../output.ts';
import { addSettingFlags, readConfig } from '../settings-flags.ts';

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
  const command = new Command('render')
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
      const { buildRenderer } = await import('../../runtime/worker.ts');
      // Whoever is at the terminal hears what went wrong; the rest if they ask for it.
      const log = await loggerFor('render', config.logLevel === 'info' ? 'warn' : config.logLevel);
      const { Events } = await import('../../telemetry/events.ts');
      const renderer = await buildRenderer({ config, log, events: new Events(log), onProgress: progress });
      await renderer.start();
      try {
        const failures = await renderAll(renderer, tasks, defaults);
        if (failures > 0) process.exitCode = 1;
      } finally {
        await renderer.stop();
      }
    });
  return addSettingFlags(command, 'render');
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
    const json: unknown = JSON.parse(text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--request: ${messageOf(error)}; allowed: a JSON object, or @file with one`, { cause: error });
  }
  throw new UsageError('--request: allowed: a JSON object, or @file with one');
}

async function renderAll(renderer: Renderer, tasks: Task[], defaults: Record<string, unknown>): Promise<number> {
  let failures = 0;
  let done = 0;
  const open = [...tasks];
  const lane = async () => {
    for (let task = open.shift(); task !== undefined; task = open.shift()) {
      const problem = await renderOne(renderer, task, defaults).catch(messageOf);
      done++;
      if (problem !== undefined) {
        failures++;
        warn(`pdfprompt: ${task.input}: ${problem}`);
      } else if (tasks.length > 1) progress(`${done} of ${tasks.length}: ${task.output}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, tasks.length) }, lane));
  return failures;
}

/** @returns what went wrong, in a sentence */
async function renderOne(
  renderer: Renderer,
  { input, output }: Task,
  defaults: Record<string, unknown>,
): Promise<string | undefined> {
  const request = await toRequest(input, defaults);
  const outcome = await renderer.render(request, { tenant: 'render' });
  if (outcome.kind !== 'done') return reasonText(outcome);
  const bytes = Buffer.concat(outcome.pdf.chunks);
  if (output === '-')
    await new Promise<void>((done, failed) => process.stdout.write(bytes, (error) => (error ? failed(error) : done())));
  else await writeFile(output, bytes);
  for (const { url, reason } of outcome.pdf.failedResources)
    warn(`pdfprompt: ${input}: printed without ${url} (${reason})`);
  return undefined;
}

async function toRequest(input: string, defaults: Record<string, unknown>): Promise<PdfRequest> {
  // HTML is handed to the browser, never opened as a file: a document must not read its neighbours.
  const source = isUrl(input)
    ? { url: input }
    : { html: input === '-' ? await readStdin() : await readFile(input, 'utf8') };
  const { parsePdfRequest } = await import('../../domain/pdf-request.ts');
  const parsed = parsePdfRequest({ ...defaults, ...source });
  if (parsed.ok) return parsed.request;
  throw new UsageError(parsed.fields.map(({ field, message }) => `${field}: ${message}`).join('; '));
}

async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}
