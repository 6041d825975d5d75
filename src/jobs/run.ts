import { setTimeout as sleep } from 'node:timers/promises';
import { impliedOptions } from '../domain/implied-options.ts';
import type { RenderTimings } from '../domain/job.ts';
import { PDF_TYPE } from '../domain/media-type.ts';
import type { Failure, Outcome, PdfBytes, PrintedPart } from '../domain/outcome.ts';
import { joinReports, type PageReport } from '../domain/page-report.ts';
import { type ResultSettings } from '../domain/finishing.ts';
import { pictureOfPage } from '../domain/output.ts';
import { labelsOf, type Part, type PartLabels, type PrintSettings } from '../domain/pdf-request.ts';
import { namesOfParts } from '../domain/result-name.ts';
import type { PdfValue } from '../domain/source.ts';
import { CodedError } from '../kernel/errors.ts';
import { STORE_PAUSE_MS } from './patiently.ts';
import { finishParts } from './print-layers.ts';
import type { Finisher, FinishingFile } from '../finishing/finisher.ts';
import type { PartAbout } from '../finishing/step.ts';
import { MAX_WAIT_MS, type RenderContext, type Renderer } from '../render/renderer.ts';
import type { Content } from '../sources/source-type.ts';
import { plainContent } from '../sources/sources.ts';
import { Span } from '../telemetry/span.ts';

export interface RunDeps {
  renderer: Pick<Renderer, 'render'>;
  finisher: Pick<Finisher, 'finish'>;
}

/** What a part may take. */
export interface ContentLimits {
  /** milliseconds for what writes the HTML */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** bytes of the PDFs that the job has by now; default: none */
  takenBytes?: number;
}

export interface RunInput<P extends Part = Part> {
  /** printed in this order; at least one */
  parts: readonly (P & PartLabels)[];
  /** what the browser loads for a part, for kinds of sources that are not that themselves; throws CodedError */
  contentOf?: (part: P, limits: ContentLimits) => Promise<Content>;
  /** the bytes of a part that is a PDF already; throws CodedError */
  pdfOf?: (part: P, limits: ContentLimits) => Promise<FinishingFile>;
  /** of the job: its time limit */
  settings: PrintSettings;
  /** what becomes of the parts; default: each is a file, or merged if there are several */
  result?: ResultSettings | undefined;
  /** the files that the result needs; throws CodedError */
  filesOf?: (limits: ContentLimits) => Promise<FinishingFile[]>;
}

interface RunContext extends RenderContext {
  /** called once, when the job needs no page any more */
  onPrinted?: () => void;
}

/** The PDF of a part, and what the steps need to know of it. */
interface ReadyPart {
  pdf: PrintedPart;
  about: PartAbout;
}

/**
 * Prints the parts of a job, one after the other, and has its steps done when the last page is free again. All of it has
 * the job's time limit, and one limit for all waiting. Never rejects.
 */
export async function runParts<P extends Part>(
  deps: RunDeps,
  input: RunInput<P>,
  context: RunContext,
): Promise<Outcome> {
  const { settings, result, filesOf } = input;
  const { tenant, signal, span = new Span(), onPrinted } = context;
  const startedAt = performance.now();
  const ready = await printParts(deps, input, { ...context, span });
  if (!Array.isArray(ready)) {
    onPrinted?.();
    return ready;
  }
  const printed = ready.map(({ pdf }) => pdf);
  const timings = sumOf(printed);
  const timeoutMs = settings.timeoutMs - spentMs(timings);
  const takenBytes = bytesOf(printed);
  const files = await loaded(() => filesOf?.({ timeoutMs, signal, takenBytes }) ?? [], context);
  if ('kind' in files) {
    onPrinted?.();
    return failedWith(files, context);
  }
  const waited = performance.now() - startedAt - spentMs(timings);
  const pdfs = printed.map(({ chunks, size, pages, sha256, type }) => ({ chunks, size, pages, sha256, ...(type !== undefined && { type }) })); // prettier-ignore
  const finished = await finishParts(deps, pdfs, {
    settings,
    ...(result && { result }),
    parts: ready.map(({ about }) => about),
    files,
    timeoutMs,
    waitMs: Math.max(0, (context.waitMs ?? MAX_WAIT_MS) - waited),
    jobId: context.jobId,
    tenant,
    signal,
    span,
    onPrinted,
  });
  if (finished.kind !== 'done') return afterParts(finished, printed);
  const { files: made, ms, layers } = finished;
  printed.push(...layers);
  return {
    kind: 'done',
    files: result?.split?.parts ? named(made, input.parts) : made,
    timings: { ...sumOf(printed), ...(ms !== undefined && { finishing: ms }) },
    failedResources: printed.flatMap((part) => part.failedResources),
    incomplete: printed.flatMap((part) => part.incomplete),
    missingFonts: [...new Set(printed.flatMap((part) => part.missingFonts))],
    ...reported(printed.map((part) => part.pageReport)),
  };
}

const reported = (reports: (PageReport | undefined)[]) => {
  const pageReport = joinReports(reports);
  return pageReport && { pageReport };
};

/** A failure with what the parts before it said too. */
function afterParts(failure: Failure, printed: readonly PrintedPart[]): Failure {
  if (failure.kind === 'interrupted') return failure;
  return { ...failure, ...reported([...printed.map((part) => part.pageReport), failure.pageReport]) };
}

/** Files of parts that are not merged, with the names that their parts give them. */
function named(files: readonly PdfBytes[], parts: readonly PartLabels[]): PdfBytes[] {
  // Where no step had anything to do, each file is the part at its place.
  const ofParts = files.map((file, index) => ({ ...file, part: file.part ?? index }));
  const names = namesOfParts(ofParts.map(({ part, type = PDF_TYPE }) => ({ part, type, name: parts[part]?.filename })));
  return ofParts.map((file, index) => ({ ...file, name: names[index] }));
}

const PARTS_TOO_SLOW = {
  kind: 'reject',
  code: 'render_timeout',
  message: "the parts were not there within the job's time limit; allow more with timeoutMs",
} as const satisfies Failure;

async function printParts<P extends Part>(
  { renderer }: RunDeps,
  { parts, settings: { timeoutMs }, contentOf, pdfOf, result }: RunInput<P>,
  context: RenderContext,
): Promise<ReadyPart[] | Failure> {
  if (parts.length === 0) return { kind: 'reject', code: 'job_failed', message: 'its document is no longer kept' };
  const { waitMs = MAX_WAIT_MS } = context;
  const startedAt = performance.now();
  const picture = pictureOfPage(result?.output);
  const isHtmlWanted = result?.output?.type === 'html';
  const ready: ReadyPart[] = [];
  let composed = 0;
  for (const part of parts) {
    const spent = spentMs(sumOf(ready.map(({ pdf }) => pdf)));
    // A claim allows for one wait besides the time limit, and not for that of each of many parts.
    const left = timeoutMs - spent - Math.max(0, composed - waitMs);
    if (left <= 0) return PARTS_TOO_SLOW;
    const limits = {
      timeoutMs: Math.min(part.timeoutMs, left),
      signal: context.signal,
      takenBytes: bytesOf(ready.map(({ pdf }) => pdf)),
    };
    const composing = performance.now();
    if (part.source.kind === 'pdf') {
      const found = await loaded(() => pdfOf?.(part, limits) ?? noPdf(), context);
      if ('kind' in found) return failedWith(found, context);
      ready.push({ pdf: describeGiven(found), about: { ...aboutGiven(part.source.value, found), ...labelsOf(part) } });
      composed += performance.now() - composing;
      continue;
    }
    const content = await loaded(() => contentOf?.(part, limits) ?? plainContent(part.source), context);
    if ('kind' in content) return failedWith(content, context);
    composed += performance.now() - composing;
    const waited = performance.now() - startedAt - spent - composed;
    const outcome = await renderer.render(
      {
        ...part,
        options: { ...part.options, ...impliedOptions(result?.finishing) },
        timeoutMs: limits.timeoutMs,
        ...(picture && { picture }),
        ...(isHtmlWanted && { isHtmlWanted }),
      },
      { ...context, content, waitMs: Math.max(0, waitMs - waited) },
    );
    if (outcome.kind !== 'done')
      return failedWith(
        afterParts(
          outcome,
          ready.map(({ pdf }) => pdf),
        ),
        context,
      );
    ready.push({ pdf: outcome.pdf, about: { isUploaded: false, ...labelsOf(part) } });
  }
  return ready;
}

const noPdf = () => {
  throw new Error('the bytes of a PDF have to be given');
};

/** A PDF that was not printed. Nobody has read it yet, so that its pages are not known. */
function describeGiven({ chunks }: FinishingFile): PrintedPart {
  const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const timings = { page: 0, load: 0, wait: 0, print: 0 };
  return { chunks, size, pages: 1, sha256: '', timings, failedResources: [], incomplete: [], missingFonts: [] };
}

function aboutGiven({ file, password }: PdfValue, { name }: FinishingFile): PartAbout {
  const named = file === undefined ? undefined : name.replace(/^.*\//, '').replace(/\.pdf$/i, '');
  return {
    isUploaded: true,
    ...(named !== undefined && { name: named }),
    ...(password !== undefined && { password }),
  };
}

/** A job whose store cannot be reached is tried again, but not at once. */
async function failedWith(failure: Failure, { signal }: RenderContext): Promise<Failure> {
  if (failure.kind === 'interrupted' && failure.reason === 'store') await pause(signal);
  return failure;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await sleep(STORE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
}

/** What is loaded, or why it is not. */
async function loaded<T>(load: () => Promise<T> | T, { signal }: RenderContext): Promise<T | Failure> {
  try {
    return await load();
  } catch (error) {
    if (signal?.aborted) return { kind: 'interrupted' };
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'unavailable') return { kind: 'interrupted', reason: 'store' };
    return { kind: 'reject', code: error.code, message: error.message };
  }
}

function sumOf(parts: readonly PrintedPart[]): RenderTimings {
  const sum = { page: 0, load: 0, wait: 0, print: 0 };
  for (const { timings } of parts)
    for (const step of Object.keys(sum) as (keyof typeof sum)[]) sum[step] += timings[step];
  return sum;
}

const bytesOf = (pdfs: readonly PrintedPart[]) => pdfs.reduce((sum, { size }) => sum + size, 0);

const spentMs = ({ page, load, wait, print }: RenderTimings) => page + load + wait + print;
