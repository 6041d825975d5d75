import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Failure, PdfBytes } from '../domain/outcome.ts';
import type { ResultSettings } from '../domain/finishing.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { Deadline } from '../kernel/deadline.ts';
import { PDF_TYPE } from '../domain/media-type.ts';
import { withoutNetwork } from '../kernel/confined-process.ts';
import { CodedError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import { errorType, type Span } from '../telemetry/span.ts';
import type { PdfHead, SentPdf } from './frames.ts';
import { fieldOfPart } from './field-of-part.ts';
import { isKilled, judge } from './judge.ts';
import { stepsOfCall } from './overlay/steps-of-call.ts';
import { ProcessPool, type ProcessPoolOptions } from './process-pool.ts';
import type { PartAbout, PrintedLayer, Sheet, StepList } from './step.ts';
import { STEPS } from './steps.ts';
import type { Signer } from './write/signer.ts';
import { ProcessEnded, type StepResult, type StepsProcess } from './steps-process.ts';

export interface FinisherOptions {
  caps: {
    /** most bytes of each PDF */
    maxBytes: number;
    /** most pages of each PDF */
    maxPages: number;
    /** most memory of the process in which the steps run */
    memoryBytes: number;
  };
  isolation: ProcessPoolOptions['isolation'];
  events: Pick<Events, 'stepEnded' | 'documentEvicted' | 'stepsNetworked'>;
  /** Reads the operator's certificate, at the start. Without it nothing is signed. @throws OperatorError */
  readSigner?: (() => Promise<Signer>) | undefined;
  /** instead of the product's */
  steps?: StepList;
  processes?: number;
  idleMs?: number;
  waitMs?: number;
  /** milliseconds of CPU that a step may use for each upload */
  uploadCpuMs?: number;
}

export interface FinishContext {
  /** of the job */
  settings: PrintSettings;
  /** what is to be done; default: nothing */
  result?: ResultSettings;
  /** of each PDF; default: printed */
  parts?: readonly PartAbout[];
  /** the job's files that its finishing names */
  files?: readonly FinishingFile[];
  /** those of its layers that are printed. A job that has some is done in two calls: without them up to `sheets` */
  layers?: readonly PrintedLayer[];
  /** milliseconds that are left of the job's time limit; waiting for a process does not use it up */
  timeoutMs: number;
  /** whose job it is */
  tenant: string;
  signal?: AbortSignal | undefined;
  /** of the attempt */
  span: Span;
}

/** A file that steps need besides PDFs. */
export interface FinishingFile {
  /** its path among the job's files */
  name: string;
  chunks: Uint8Array[];
}

/**
 * `ms`: what the steps took, without the wait for a process; undefined if there was nothing to do. `sheets`: of each
 * PDF, if a step has reported them.
 */
export type FinishOutcome = { kind: 'done'; files: PdfBytes[]; ms?: number; sheets?: Sheet[][] } | Failure;

/** PDFs that one job may have after its steps. */
const MAX_FILES = 1_000;
const IDLE_MS = 60_000;
/** Twice this and twice a start, in each of a job's two calls, and the wait for pages stay below the margin of the queue's claim. */
const WAIT_MS = 10_000;
/** Each may use as much memory as a document. */
const MOST_PROCESSES = 4;

/** If another process, or the kernel, kills the one of the steps, and no upload can be the cause. */
const MAX_TRIES = 2;

const UPLOAD_CPU_MS = 10_000;
const NO_CERTIFICATE = {
  code: 'finishing_invalid',
  message: 'finishing.sign: this service has no certificate; its operator sets SIGN_CERTIFICATE_FILE',
} as const;

interface Task {
  name: string;
  settings: unknown;
  isLast: boolean;
}

/** Has the steps after print done, in processes of their own. */
export class Finisher extends Lifecycle<FinisherOptions> {
  readonly #steps: StepList;
  readonly #pool: ProcessPool;
  #signer: Signer | undefined;

  constructor(options: FinisherOptions) {
    super(options);
    const { steps = STEPS, caps, isolation, processes, idleMs = IDLE_MS, waitMs = WAIT_MS } = options;
    this.#steps = steps;
    this.#pool = new ProcessPool({
      module: steps.module,
      memoryBytes: caps.memoryBytes,
      isolation,
      size: processes ?? Math.min(MOST_PROCESSES, availableParallelism()),
      idleMs,
      waitMs,
    });
  }

  /** Whether more jobs wait than can soon be done. */
  get isBehind(): boolean {
    return this.#pool.isBehind;
  }

  /** Jobs that have their steps done, or wait for it. */
  get jobs(): number {
    return this.#pool.jobs;
  }

  /** Ends processes that no job has. */
  freeMemory(): void {
    this.#pool.endIdle();
  }

  protected async onStart(): Promise<void> {
    const { reason } = await withoutNetwork();
    if (reason !== undefined) this.options.events.stepsNetworked({ reason });
    this.#signer = await this.options.readSigner?.();
    await this.#pool.start();
  }

  protected override onStop(): Promise<void> {
    return this.#pool.stop();
  }

  /**
   * Runs the steps that the job's settings ask for on its PDFs, which stay as they are. Never rejects: the outcome
   * contains the failure. Ends at once when `signal` aborts. If there is nothing to do, no process is started.
   */
  async finish(pdfs: PdfBytes[], context: FinishContext): Promise<FinishOutcome> {
    if (context.result?.finishing?.sign && !this.#signer) return { kind: 'reject', ...NO_CERTIFICATE };
    const tasks = this.#tasksFor(pdfs, context);
    if (tasks.length === 0) return { kind: 'done', files: pdfs };
    const span = context.span.child('finishing');
    const uploads = uploadsOf(pdfs, context);
    const use = { isUploaded: uploads.length > 0, signal: context.signal };
    const options = { ...this.options, signer: this.#signer };
    const run = new StepsRun(tasks, pdfs, { ...context, span, uploads: uploads.length }, options);
    for (let tries = 1; ; tries++) {
      try {
        const { pdfs: finished, types, parts, sheets } = await this.#pool.use(use, (process) => run.in(process));
        const areApart = context.result?.split?.parts === true;
        const files = await describe(finished, { types, parts: areApart ? parts : [] });
        span.end();
        return { kind: 'done', files, ms: run.ms, ...(sheets && { sheets }) };
      } catch (error) {
        const isStopped = context.signal?.aborted || this.ending.aborted;
        if (!isStopped && uploads.length === 0 && isKilled(error) && tries < MAX_TRIES) continue;
        span.end({ error: isStopped ? 'interrupted' : errorType(error) });
        return isStopped ? { kind: 'interrupted' } : judge(error, run.stepName, uploads);
      }
    }
  }

  #tasksFor(
    pdfs: readonly PdfBytes[],
    { settings, result = {}, parts = printed(pdfs), layers }: FinishContext,
  ): Task[] {
    const job = { settings, result, parts, layers, signer: this.#signer?.about };
    const wanted = stepsOfCall(this.#steps.steps, job).map((step) => ({
      name: step.name,
      settings: step.settingsOf(job),
    }));
    const tasks = wanted.filter((task) => task.settings !== undefined);
    return tasks.map((task, index) => ({ ...task, isLast: index === tasks.length - 1 }));
  }
}

const printed = (pdfs: readonly PdfBytes[]): PartAbout[] => pdfs.map(() => ({ isUploaded: false }));

/** The fields with PDFs that were not written by our own browser. */
function uploadsOf(pdfs: readonly PdfBytes[], { result = {}, parts = printed(pdfs) }: FinishContext): string[] {
  const given = parts.flatMap(({ isUploaded }, index) => (isUploaded ? [fieldOfPart(index, parts.length)] : []));
  const layers = (['overlay', 'underlay'] as const).flatMap((name) =>
    (result.finishing?.[name] ?? []).flatMap(({ pdf }, index) =>
      pdf === undefined ? [] : [`finishing.${name}[${index}].pdf`],
    ),
  );
  return [...given, ...layers];
}
type RunOptions = Pick<FinisherOptions, 'caps' | 'events' | 'uploadCpuMs'> & { signer: Signer | undefined };

/** One job's steps, which may have to begin again in another process. */
class StepsRun {
  readonly #tasks: Task[];
  readonly #pdfs: PdfBytes[];
  readonly #context: FinishContext & { uploads: number };
  readonly #options: RunOptions;
  #deadline: Deadline | undefined;
  /** the one that began last */
  stepName = '';
  /** milliseconds of all steps */
  ms = 0;

  constructor(tasks: Task[], pdfs: PdfBytes[], context: FinishContext & { uploads: number }, options: RunOptions) {
    this.#tasks = tasks;
    this.#pdfs = pdfs;
    this.#context = context;
    this.#options = options;
  }

  async in(process: StepsProcess): Promise<StepResult> {
    const deadline = (this.#deadline ??= new Deadline(this.#context.timeoutMs));
    const { files = [], parts = printed(this.#pdfs), uploads } = this.#context;
    const { uploadCpuMs = UPLOAD_CPU_MS } = this.#options;
    const maxCpuMs = uploads > 0 ? uploadCpuMs * uploads : Infinity;
    const brought = {
      pdfs: this.#pdfs,
      areUploaded: parts.map(({ isUploaded }) => isUploaded),
      files,
    };
    let finished: StepResult = { pdfs: [], types: [], parts: [] };
    let sheets: Sheet[][] | undefined;
    for (const task of this.#tasks) {
      this.stepName = task.name;
      const first = task === this.#tasks[0] ? brought : undefined;
      const signer = task.name === 'sign' ? this.#options.signer : undefined;
      const step = () => process.run(task, first, (heads) => this.#check(heads), { maxCpuMs, signer });
      const startedAt = performance.now();
      try {
        finished = await this.#context.span.during(task.name, () => deadline.race(`the step ${task.name}`, step()));
        sheets = finished.sheets ?? sheets;
      } catch (error) {
        if (error instanceof ProcessEnded && error.how === 'too large')
          this.#options.events.documentEvicted({ why: error.how, bytes: error.bytes });
        throw error;
      } finally {
        const ms = performance.now() - startedAt;
        this.ms += ms;
        this.#options.events.stepEnded({ step: task.name, ms });
      }
    }
    if (finished.pdfs.length === 0) throw new Error('no PDF came back');
    return { ...finished, ...(sheets && { sheets }) };
  }

  /** Before their bytes are read. All together may be as large as those that were printed. @throws CodedError */
  #check(heads: PdfHead[]): void {
    const { maxBytes, maxPages } = this.#options.caps;
    const tooLarge = (what: string) => new CodedError('pdf_too_large', `${what} after the step ${this.stepName}`);
    if (heads.length > MAX_FILES) throw tooLarge(`there are more than ${MAX_FILES} PDFs`);
    if (heads.some(({ size }) => size > maxBytes)) throw tooLarge(`the PDF is larger than ${maxBytes} bytes`);
    const allowed = maxBytes * this.#pdfs.length;
    if (heads.reduce((sum, { size }) => sum + size, 0) > allowed)
      throw tooLarge(`the PDFs together are larger than ${allowed} bytes`);
    const most = Math.max(...heads.map(({ pages }) => pages));
    if (most > maxPages)
      throw new CodedError(
        'too_many_pages',
        `the PDF has ${most} pages after the step ${this.stepName}; allowed: ${maxPages}`,
      );
  }
}

/** Adds sizes and hashes. Not all at once: that would block the process for a tenth of a second for a large PDF. */
async function describe(pdfs: SentPdf[], { types, parts }: Pick<StepResult, 'types' | 'parts'>): Promise<PdfBytes[]> {
  const files: PdfBytes[] = [];
  for (const [index, { chunks, pages }] of pdfs.entries()) {
    const hash = createHash('sha256');
    let size = 0;
    for (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.byteLength;
      await nextTurn();
    }
    const type = types[index] ?? PDF_TYPE;
    const part = parts[index] ?? undefined;
    const about = { ...(type !== PDF_TYPE && { type }), ...(part !== undefined && { part }) };
    files.push({ chunks, size, pages, sha256: hash.digest('hex'), ...about });
  }
  return files;
}
