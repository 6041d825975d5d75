import type { PdfRequest, Usage } from './api-types.ts';
import { Assets } from './assets.ts';
import { Batches } from './batches.ts';
import { type CallOptions, Connection, type PdfpromptOptions } from './connection.ts';
import type { Download } from './download.ts';
import { Jobs } from './jobs.ts';
import { Printer, type PrintOptions } from './printer.ts';
import { Schedules } from './schedules.ts';
import { Templates } from './templates.ts';
import { Webhooks } from './webhooks.ts';

/** A client of one service, with one key. It holds nothing that has to be closed. */
export class Pdfprompt {
  readonly jobs: Jobs;
  readonly batches: Batches;
  readonly templates: Templates;
  readonly assets: Assets;
  readonly schedules: Schedules;
  readonly webhooks: Webhooks;
  readonly #connection: Connection;
  readonly #printer: Printer;

  constructor(options: PdfpromptOptions) {
    const connection = new Connection(options);
    this.#connection = connection;
    this.jobs = new Jobs(connection);
    this.#printer = new Printer(connection, this.jobs);
    this.batches = new Batches(connection);
    this.templates = new Templates(connection, this.#printer);
    this.assets = new Assets(connection);
    this.schedules = new Schedules(connection);
    this.webhooks = new Webhooks(connection);
  }

  /**
   * Prints a document and comes back with the PDF, or the picture that `output` asks for, within `timeoutMs` (default
   * five minutes).
   * @throws PdfpromptError with the code of what went wrong; after `timeout` its job goes on
   */
  async pdf(request: PdfRequest, options: PrintOptions = {}): Promise<Download> {
    return this.#printer.print('pdf', request, options);
  }

  /** How much of the limits is used, and what is charged. @param days of history, including today */
  async usage({ days, signal }: CallOptions & { days?: number | undefined } = {}): Promise<Usage> {
    return this.#connection.json({ method: 'GET', path: 'usage', query: { days }, signal });
  }
}
