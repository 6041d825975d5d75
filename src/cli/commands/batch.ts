import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import type { Batch } from '../../domain/batch.ts';
import { type Priority, PRIORITY_NAMES } from '../../domain/priority.ts';
import { unlessAborted } from '../../kernel/abort.ts';
import { OperatorError, UsageError } from '../../kernel/errors.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { listenForSignals } from '../../runtime/signals.ts';
import { BatchProgress, count } from '../batch-progress.ts';
import { badRowsOf, badRowsText, counted, endText, failuresText, type FoundAs } from '../batch-report.ts';
import { openRows, ROW_FORMATS, type RowFormat } from '../batch-rows.ts';
import { completeBatch, type Target } from '../batch-run.ts';
import { batchTemplate } from '../batch-template.ts';
import { errorJson } from '../error-json.ts';
import { print, printJson, warn } from '../output.ts';
import { PatientClient } from '../patient-client.ts';
import { readRequestFlag } from '../request-flag.ts';
import { type BatchBody, sendBatch } from '../send-batch.ts';
import { Refusal } from '../../kernel/service-client.ts';
import { serviceClient } from '../service-client.ts';
import { readConfig } from '../settings-flags.ts';
import { StatusLine } from '../status-line.ts';

interface BatchOptions extends Record<string, unknown> {
  out?: string;
  merge?: string;
  zip?: string;
  filename?: string;
  priority?: Priority;
  webhook?: string;
  request?: string;
  onBadRow?: 'refuse' | 'skip';
  format?: RowFormat;
  new?: boolean;
  retryFailed?: boolean;
  resume?: string;
  cancel?: string;
  json?: boolean;
}

/** Ended by a signal, as shells have it. */
const INTERRUPTED = 130;

export function batchCommand(): Command {
  return new Command('batch')
    .description('Print a document for each row of a file, in a running service. Typed again, it goes on where it was')
    .argument('[template]', 'a template of the service (invoice, invoice@7), or a directory, which is pushed first')
    .argument('[rows]', 'a .csv, .ndjson or .json file, - for stdin')
    .addOption(new Option('--out <directory>', 'where a file for each row goes').conflicts(['merge', 'zip']))
    .addOption(new Option('--merge <file>', 'one PDF of all, in the order of the rows').conflicts(['out', 'zip']))
    .addOption(new Option('--zip <file>', 'one zip of all').conflicts(['out', 'merge']))
    .option('--filename <pattern>', 'of each file: "invoice-{data.number}" (default: the number of the row)')
    .addOption(
      new Option('--on-bad-row <what>', 'refuse the batch if a row is not valid, or skip the row')
        .choices(['refuse', 'skip'])
        .default('refuse'),
    )
    .addOption(new Option('--format <name>', 'of the rows (default: by the ending)').choices(ROW_FORMATS))
    .addOption(new Option('--priority <name>', 'among your own documents').choices(PRIORITY_NAMES))
    .option('--webhook <address>', 'that is called when the batch has ended: a URL, or the id of a webhook')
    .option('--request <json>', 'everything else a request takes, as JSON, or @file: \'{"options":{"format":"A5"}}\'')
    .option('--new', 'print everything again, although the same rows were sent before')
    .option('--retry-failed', 'print again what has failed')
    .option('--resume <id>', 'go on with this batch, instead of TEMPLATE and ROWS')
    .option('--cancel <id>', 'cancel this batch: what is not printed yet is not')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
The first line of a CSV names the fields of the data: number,customer.name,total. A line of NDJSON, or an item of a
JSON list, is {"data": {…}, "filename": "…"}.

Examples:
  pdfprompt batch invoice march.csv --out invoices
  pdfprompt batch my-invoice march.csv --merge march.pdf
  pdfprompt batch invoice@7 march.ndjson --zip march.zip --filename "invoice-{data.number}"
  pdfprompt batch invoice march.csv --out invoices --retry-failed

Ctrl-C stops following; the batch goes on. The same command, with the same rows, finds it again.

Exit codes: 0 everything is printed, 1 something is not, 2 wrong usage, 130 stopped by Ctrl-C.`,
    )
    .action(batch);
}

async function batch(template: string | undefined, rows: string | undefined, options: BatchOptions): Promise<void> {
  const source = sourceOf(template, rows, options);
  const target = targetOf(options);
  const config = readConfig(options);
  const service = await serviceClient(config);
  const end = new AbortController();
  const stopListening = listenForSignals({
    onFirst: () => end.abort(new OperatorError('stopped')),
    onNext: () => process.exit(INTERRUPTED),
  });
  const line = new StatusLine(process.stderr, process.env.TERM);
  const progress = new BatchProgress();
  const onWait = (reason: string | undefined) => {
    progress.waiting = reason;
    line.show((width) => progress.text(width), true);
  };
  const client = new PatientClient(service, { signal: end.signal, onWait });
  const seen: { batch?: Batch } = {};
  try {
    if (options.cancel !== undefined) return await cancel(client, options.cancel, options);
    let first: Batch;
    if (source) {
      const nameOf = () => unlessAborted([end.signal], batchTemplate(service, source.template, { config, say: warn }));
      first = await submit({ client, line, nameOf }, source.rows, options);
    } else first = await client.json<Batch>({ method: 'GET', path: pathOf(options.resume ?? '') });
    seen.batch = first;
    if (target?.kind === 'merged' && first.result !== 'merged')
      throw new UsageError(`--merge: the batch ${first.id} is not merged; allowed: --out DIRECTORY, --zip FILE`);
    const { status, items, completedAt } = first;
    const isWhole = status === 'completed' && items.completed === items.total;
    let found: FoundAs = completedAt === null ? 'open' : 'over';
    if (options.retryFailed && completedAt !== null && !isWhole) {
      first = seen.batch = await retry(client, first);
      found = 'again';
    }
    const ended = await completeBatch({ client, line, progress }, first, target);
    report({ ...ended, found }, target, options);
  } catch (error) {
    if (!end.signal.aborted) throw error;
    line.end();
    process.exitCode = INTERRUPTED;
    warn(interruptedText(seen.batch));
    if (options.json) printJson({ ...errorJson(end.signal.reason), batch: seen.batch ?? null });
  } finally {
    line.end();
    stopListening();
  }
}

/** @returns undefined if the options name a batch instead */
function sourceOf(template: string | undefined, rows: string | undefined, { resume, cancel }: BatchOptions) {
  const isNamed = resume !== undefined || cancel !== undefined;
  if (isNamed && template === undefined) return undefined;
  if (isNamed || template === undefined || rows === undefined)
    throw new UsageError('allowed: TEMPLATE and ROWS, or --resume ID, or --cancel ID. Type: pdfprompt batch --help');
  return { template, rows };
}

function targetOf({ out, merge, zip }: BatchOptions): Target {
  if (out !== undefined) return { kind: 'items', directory: out };
  if (merge !== undefined) return { kind: 'merged', file: merge };
  return zip === undefined ? undefined : { kind: 'zip', file: zip };
}

const pathOf = (id: string) => `/v1/batches/${encodeURIComponent(id)}`;

/** Sends the batch, or finds it. */
async function submit(
  { client, line, nameOf }: { client: PatientClient; line: StatusLine; nameOf: () => Promise<string> },
  path: string,
  options: BatchOptions,
): Promise<Batch> {
  const { filename, priority, webhook, onBadRow, format } = options;
  const sent = options.request === undefined ? {} : await readRequestFlag(options.request);
  const rows = await openRows(path, { format, signal: client.signal });
  try {
    const request = {
      ...sent,
      template: await nameOf(),
      ...(filename !== undefined && { filename }),
      ...(priority !== undefined && { priority }),
      ...(webhook !== undefined && { webhook }),
    };
    // Files and a zip are of the same batch: it is found again, whichever of them is wanted.
    const result = options.merge === undefined ? 'files' : 'merged';
    const body: BatchBody = { request, result, ...(onBadRow === 'skip' && { onBadRow }) };
    const salt = options.new ? randomUUID() : undefined;
    const onSent = (sent: number) => {
      const part = Math.floor((sent / rows.size) * 100);
      if (rows.size > MEGABYTE) line.show(() => (part < 100 ? `sending the rows: ${part} %` : 'the rows are checked'));
    };
    const { batch: first, isNew } = await sendBatch(client, { body, rows, salt }, onSent);
    line.say(sentText(first, isNew));
    if (first.items.skipped > 0)
      line.say(`${counted(first.items.skipped, 'row')} left out:\n${badRowsText(first.skippedRows, first.items.skipped)}`); // prettier-ignore
    return first;
  } catch (error) {
    throw error instanceof Refusal ? refused(error, onBadRow) : error;
  } finally {
    await rows.close();
  }
}

function sentText({ id, items, createdAt, completedAt, status }: Batch, isNew: boolean): string {
  if (isNew) return `Batch ${id}: ${counted(items.total, 'row')} accepted`;
  const state = completedAt === null ? 'goes on' : `is ${status}`;
  return `Batch ${id} of ${createdAt} ${state}: the same rows were sent before${completedAt === null ? '' : '; --new prints them again'}`;
}

/** With a table of the rows that are not valid, if it is because of them. */
function refused(error: Refusal, onBadRow: BatchOptions['onBadRow']): OperatorError {
  const bad = badRowsOf(error);
  if (bad.length === 0) return error;
  const said = error.message.split(': ', 1)[0] ?? '';
  const advice = onBadRow === 'skip' ? 'No row is left to print: correct them' : 'Correct them, or leave them out: --on-bad-row skip'; // prettier-ignore
  return new OperatorError(`${said}; nothing was printed\n${badRowsText(bad, bad.length)}\n${advice}`, {
    cause: error,
  });
}

/** Has what failed printed again. */
async function retry(client: PatientClient, { id }: Batch): Promise<Batch> {
  const path = pathOf(id);
  return client.json<Batch>({ method: 'POST', path: `${path}/retry` }).catch(async (error: unknown) => {
    // The answer to the first attempt was lost.
    const batch = error instanceof Refusal && error.status === 409 ? await client.json<Batch>({ method: 'GET', path }) : undefined; // prettier-ignore
    if (batch?.completedAt !== null) throw error;
    return batch;
  });
}

async function cancel(client: PatientClient, id: string, { json }: BatchOptions): Promise<void> {
  const cancelled = await client.json<Batch>({ method: 'DELETE', path: pathOf(id) });
  if (json) return printJson({ batch: cancelled });
  const { status, items } = cancelled;
  warn(`Batch ${id} is ${status}: ${count(items.completed)} of ${counted(items.total, 'document')} printed.`);
}

function report(
  ended: Awaited<ReturnType<typeof completeBatch>> & { found: FoundAs },
  target: Target,
  { json }: BatchOptions,
): void {
  const { batch: last, fetched, isFetched, failed, found } = ended;
  const { total, completed } = last.items;
  const isWhole = last.status === 'completed' && completed === total && !fetched?.expired;
  if (!isWhole) process.exitCode = 1;
  if (json) {
    const where = target && (target.kind === 'items' ? { directory: target.directory } : { file: isFetched ? target.file : null }); // prettier-ignore
    return printJson({ batch: last, ...where, ...fetched, failed });
  }
  if (failed.length > 0) warn(`Failed:\n${failuresText(failed, last.items.failed)}`);
  warn(endText(last, found));
  if (!target) print(last.id);
  if (target?.kind === 'items' && fetched) {
    const { written, unchanged, expired } = fetched;
    const parts = [`${counted(written, 'new file')}${unchanged > 0 ? `, ${count(unchanged)} were there` : ''}`];
    if (expired > 0) parts.push(`${counted(expired, 'file')} expired; --new prints everything again`);
    print(target.directory);
    warn(`${target.directory}: ${parts.join('; ')}`);
  } else if (target && target.kind !== 'items' && isFetched) print(target.file);
  if (completed > 0 && !target && last.result === 'merged') warn('Fetch it: the same command with --merge FILE');
  else if (completed > 0 && !target) warn('Fetch them: the same command with --out DIRECTORY or --zip FILE');
  if (!isWhole && completed < total) warn('Print the rest again: the same command with --retry-failed');
}

function interruptedText(last: Batch | undefined): string {
  if (!last) return 'Stopped. If the service has accepted the batch, the same command finds it.';
  return [
    'Stopped following; the batch goes on in the service.',
    `  go on:   the same command again, or pdfprompt batch --resume ${last.id}`,
    `  cancel:  pdfprompt batch --cancel ${last.id}`,
  ].join('\n');
}
