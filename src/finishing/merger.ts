import { createHash } from 'node:crypto';
import type { Failure, PdfBytes } from '../domain/outcome.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { MEGABYTE } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';
import { errorType, type Span } from '../telemetry/span.ts';
import { STEPS } from './append-steps.ts';
import type { PdfHead, SentPdf } from './frames.ts';
import { judge } from './judge.ts';
import type { MergedDocument } from './merge/growing-merge.ts';
import { ProcessPool } from './process-pool.ts';
import { ProcessEnded, type StepsProcess } from './steps-process.ts';
import type { AppendSettings } from './steps/append.ts';

export interface MergerOptions {
  caps: {
    /** most bytes of a merged PDF, which is in the worker's memory */
    maxBytes: number;
    maxPages: number;
    /** most memory of the process that merges */
    memoryBytes: number;
  };
  events: Pick<Events, 'stepEnded' | 'documentEvicted'>;
  waitMs?: number;
}

/** Documents that are added together: they are in memory at once. */
export interface MergeGroup {
  pdfs: readonly SentPdf[];
  /** of each PDF */
  documents: readonly MergedDocument[];
  isLast: boolean;
}

interface MergeContext {
  /** milliseconds for all of it, with the wait for a process and for the groups */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  span: Span;
}

/** `ms`: what the process took. */
export type MergeOutcome = { kind: 'done'; pdf: PdfBytes; ms: number } | Failure;

/** Then another worker may have a process that is free. */
const WAIT_MS = 10_000;
/** A process that is there for the next merge. */
const IDLE_MS = 5_000;

const TOO_SLOW = {
  kind: 'reject',
  code: 'render_timeout',
  message: "the items were not merged within the job's time limit",
} as const satisfies Failure;

/**
 * Merges any number of PDFs, group by group, in a process of its own: one merge at a time, beside the steps of other
 * jobs. What is in memory is the merged PDF, in the worker, and two groups.
 */
export class Merger extends Lifecycle<MergerOptions> {
  readonly #pool: ProcessPool;

  constructor(options: MergerOptions) {
    super(options);
    this.#pool = new ProcessPool({
      module: STEPS.module,
      memoryBytes: options.caps.memoryBytes,
      isolation: 'job',
      size: 1,
      idleMs: IDLE_MS,
      waitMs: options.waitMs ?? WAIT_MS,
    });
  }

  /** Merges that are under way, or wait for it. */
  get jobs(): number {
    return this.#pool.jobs;
  }

  /** Ends a process that no merge has. */
  freeMemory(): void {
    this.#pool.endIdle();
  }

  protected onStart(): Promise<void> {
    return this.#pool.start();
  }

  protected override onStop(): Promise<void> {
    return this.#pool.stop();
  }

  /**
   * Never rejects: the outcome contains the failure. Ends at once when `signal` aborts.
   * @param groups read while the group before is added; what they throw ends the merge: a CodedError with its code, and
   *   with `unavailable` as an interruption by the store
   */
  async merge(groups: AsyncIterable<MergeGroup>, { timeoutMs, signal, span }: MergeContext): Promise<MergeOutcome> {
    const own = span.child('merge');
    const timeUp = new AbortController();
    const ended = AbortSignal.any([timeUp.signal, ...(signal ? [signal] : [])]);
    const run = new MergeRun(this.options, groups);
    try {
      const use = { isUploaded: true, signal: ended };
      const work = this.#pool.use(use, (process) => run.in(process));
      const pdf = await new Deadline(timeoutMs).race('the merge', work);
      own.end();
      return { kind: 'done', pdf, ms: run.ms };
    } catch (error) {
      timeUp.abort();
      const isStopped = signal?.aborted || this.ending.aborted;
      own.end({ error: isStopped ? 'interrupted' : errorType(error) });
      if (isStopped) return { kind: 'interrupted' };
      if (error instanceof DeadlineExceeded) return TOO_SLOW;
      if (error instanceof CodedError && error.code === 'unavailable') return { kind: 'interrupted', reason: 'store' };
      return judge(error, 'append', []);
    }
  }
}

/** One merge. */
class MergeRun {
  readonly #options: MergerOptions;
  readonly #groups: AsyncIterator<MergeGroup>;
  readonly #hash = createHash('sha256');
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #pages = 0;
  /** milliseconds in the process */
  ms = 0;

  constructor(options: MergerOptions, groups: AsyncIterable<MergeGroup>) {
    this.#options = options;
    this.#groups = groups[Symbol.asyncIterator]();
  }

  async in(process: StepsProcess): Promise<PdfBytes> {
    let giveUp: (reason: Error) => void = () => undefined;
    void process.exited.then(() => giveUp(new Error('the process of the merge has ended')));
    // Not a race with the end of the process: that would keep every group until then.
    const unlessEnded = <T>(work: Promise<T>): Promise<T> => {
      const { promise, reject } = Promise.withResolvers<never>();
      giveUp = reject;
      return Promise.race([work, promise]);
    };
    try {
      let coming = this.#groups.next();
      for (let isLast = false; !isLast;) {
        const { value: group, done } = await unlessEnded(coming);
        if (done) throw new Error('there is no last group');
        isLast = group.isLast;
        if (!isLast) coming = this.#groups.next();
        coming.catch(() => undefined); // it is awaited when this group is added
        await this.#add(process, group);
      }
    } finally {
      void this.#groups.return?.().catch(() => undefined);
    }
    return { chunks: this.#chunks, size: this.#size, pages: this.#pages, sha256: this.#hash.digest('hex') };
  }

  async #add(process: StepsProcess, { pdfs, documents, isLast }: MergeGroup): Promise<void> {
    const settings: AppendSettings = { documents, isLast };
    const startedAt = performance.now();
    try {
      const input = { pdfs, areUploaded: pdfs.map(() => false), files: [] };
      const step = { name: 'append', settings, isLast: true };
      const { pdfs: pieces } = await process.run(step, input, (heads) => this.#check(heads));
      for (const chunk of pieces.flatMap(({ chunks }) => chunks)) {
        this.#hash.update(chunk);
        this.#chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof ProcessEnded && error.how === 'too large')
        this.#options.events.documentEvicted({ why: error.how, bytes: error.bytes });
      throw error;
    } finally {
      const ms = performance.now() - startedAt;
      this.ms += ms;
      this.#options.events.stepEnded({ step: 'append', ms });
    }
  }

  /** Before the bytes are read. @throws CodedError */
  #check(heads: readonly PdfHead[]): void {
    const { maxBytes, maxPages } = this.#options.caps;
    for (const { size, pages } of heads) {
      this.#size += size;
      this.#pages += pages;
    }
    if (this.#size > maxBytes)
      throw new CodedError('pdf_too_large', `the merged PDF is larger than ${maxBytes / MEGABYTE} MB; allowed: MERGED_MAX_MB`); // prettier-ignore
    if (this.#pages > maxPages)
      throw new CodedError('too_many_pages', `the merged PDF has more pages than ${maxPages}; allowed: MERGED_MAX_PAGES`); // prettier-ignore
  }
}
