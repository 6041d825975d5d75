import { setTimeout as sleep } from 'node:timers/promises';
import type { RenderTimings } from '../domain/job.ts';
import type { Failure, Outcome, PrintedPart } from '../domain/outcome.ts';
import type { Part, PrintSettings } from '../domain/pdf-request.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Finisher } from '../finishing/finisher.ts';
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
}

export interface RunInput<P extends Part = Part> {
  /** printed in this order; at least one */
  parts: readonly P[];
  /** what the browser loads for a part, for kinds of sources that are not that themselves; throws CodedError */
  contentOf?: (part: P, limits: ContentLimits) => Promise<Content>;
  /** of the job: its time limit, and what its steps are to do */
  settings: PrintSettings;
}

interface RunContext extends RenderContext {
  /** called once, when the job needs no page any more */
  onPrinted?: () => void;
}

/**
 * Prints the parts of a job, one after the other, and has its steps done when the last page is free again. Without a
 * step each PDF becomes a file of the job. All of it has the job's time limit, and one limit for all waiting. Never
 * rejects.
 */
export async function runParts<P extends Part>(
  deps: RunDeps,
  input: RunInput<P>,
  context: RunContext,
): Promise<Outcome> {
  const { settings } = input;
  const { tenant, signal, span = new Span(), onPrinted } = context;
  const printed = await printParts(deps, input, { ...context, span });
  onPrinted?.();
  if (!Array.isArray(printed)) return printed;
  const timings = sumOf(printed);
  const timeoutMs = settings.timeoutMs - spentMs(timings);
  const pdfs = printed.map(({ chunks, size, pages, sha256 }) => ({ chunks, size, pages, sha256 }));
  const finished = await deps.finisher.finish(pdfs, { settings, timeoutMs, tenant, signal, span });
  if (finished.kind !== 'done') return finished;
  const { files, ms } = finished;
  return {
    kind: 'done',
    files,
    timings: { ...timings, ...(ms !== undefined && { finishing: ms }) },
    failedResources: printed.flatMap((part) => part.failedResources),
    incomplete: printed.flatMap((part) => part.incomplete),
    missingFonts: [...new Set(printed.flatMap((part) => part.missingFonts))],
  };
}

async function printParts<P extends Part>(
  { renderer }: RunDeps,
  { parts, settings: { timeoutMs }, contentOf }: RunInput<P>,
  context: RenderContext,
): Promise<PrintedPart[] | Failure> {
  if (parts.length === 0) return { kind: 'reject', code: 'job_failed', message: 'its document is no longer kept' };
  const { waitMs = MAX_WAIT_MS } = context;
  const startedAt = performance.now();
  const printed: PrintedPart[] = [];
  let composed = 0;
  for (const part of parts) {
    const left = () => Math.min(part.timeoutMs, Math.max(0, timeoutMs - spentMs(sumOf(printed))));
    const composing = performance.now();
    const content = await loaded(
      () => contentOf?.(part, { timeoutMs: left(), signal: context.signal }) ?? plainContent(part.source),
      context,
    );
    if ('kind' in content) return content;
    composed += performance.now() - composing;
    const waited = performance.now() - startedAt - spentMs(sumOf(printed)) - composed;
    const outcome = await renderer.render(
      { ...part, timeoutMs: left() },
      { ...context, content, waitMs: Math.max(0, waitMs - waited) },
    );
    if (outcome.kind === 'interrupted' && outcome.reason === 'store') await pause(context.signal);
    if (outcome.kind !== 'done') return outcome;
    printed.push(outcome.pdf);
  }
  return printed;
}

/** Milliseconds until a document is tried again whose files cannot be read: it would be here again at once. */
const STORE_PAUSE_MS = 5_000;

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await sleep(STORE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
}

/** The content, or why there is none. */
async function loaded(load: () => Promise<Content> | Content, { signal }: RenderContext): Promise<Content | Failure> {
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

const spentMs = ({ page, load, wait, print }: RenderTimings) => page + load + wait + print;
