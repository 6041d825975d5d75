import type { Failure, PdfBytes, PrintedPart } from '../domain/outcome.ts';
import { finishingFiles } from '../domain/finishing.ts';
import { type Part, type PrintSettings, withDefaults } from '../domain/pdf-request.ts';
import type { FinishContext, Finisher, FinishingFile, FinishOutcome } from '../finishing/finisher.ts';
import { layersToPrint, type NamedLayer, pagesWith } from '../finishing/overlay/layers.ts';
import { type CopyPlan, planCopies } from '../finishing/overlay/plan-copies.ts';
import type { PrintedLayer, Sheet } from '../finishing/step.ts';
import { CodedError } from '../kernel/errors.ts';
import { MAX_WAIT_MS, type Renderer } from '../render/renderer.ts';
import { layerContent } from './layer-content.ts';

interface FinishDeps {
  renderer: Pick<Renderer, 'render'>;
  finisher: Pick<Finisher, 'finish'>;
}

export interface FinishInput extends Omit<FinishContext, 'layers'> {
  /** files of the request: those that its finishing names, and if there is a layer of HTML all of them */
  files: readonly FinishingFile[];
  jobId?: string | undefined;
  /** milliseconds that the job may still wait for pages; default: {@link MAX_WAIT_MS} */
  waitMs?: number | undefined;
  /** called once, when the job needs no page any more */
  onPrinted?: (() => void) | undefined;
}

/** `layers`: how they were printed. */
type FinishedParts = (Extract<FinishOutcome, { kind: 'done' }> & { layers: PrintedPart[] }) | Failure;

/**
 * Has the steps after print done. Layers of HTML, text and images are printed when it is known how large the pages are
 * to which they are added, so they need two calls; a job without them has one. All of it has `timeoutMs`. Never rejects.
 */
export async function finishParts(deps: FinishDeps, pdfs: PdfBytes[], input: FinishInput): Promise<FinishedParts> {
  const { onPrinted, jobId: _, waitMs: __, ...context } = input;
  const { result = {}, parts = [], files } = context;
  const layers = layersToPrint(result);
  const isInOneCall = layers.length === 0;
  // The browser needs the image of a layer, and the steps only what it prints.
  const ofSteps = (result.finishing ? finishingFiles(result.finishing) : []).filter(
    ({ path }) => path.at(-1) !== 'image',
  );
  const named = new Set(ofSteps.map(({ name }) => name));
  const needed = files.filter(({ name }) => named.has(name));
  if (isInOneCall) onPrinted?.();
  const first = await deps.finisher.finish(pdfs, { ...context, files: isInOneCall ? needed : [] });
  if (isInOneCall) return first.kind === 'done' ? { ...first, layers: [] } : first;
  if (first.kind !== 'done') {
    onPrinted?.();
    return first;
  }
  const timeoutMs = context.timeoutMs - (first.ms ?? 0);
  const made = await printLayers(deps, layers, first.sheets ?? [], { ...input, timeoutMs });
  onPrinted?.();
  if ('kind' in made) return made;
  const isSame = first.files.length === parts.length;
  const isUploaded = parts.some((part) => part.isUploaded);
  const second = await deps.finisher.finish(first.files, {
    ...context,
    parts: isSame ? parts : first.files.map(() => ({ isUploaded, isMerged: parts.length > 1 })),
    files: [...needed, ...made.files],
    layers: made.placed,
    timeoutMs: timeoutMs - spentMs(made.printed),
  });
  if (second.kind !== 'done') return second;
  return { ...second, ms: (first.ms ?? 0) + (second.ms ?? 0), layers: made.printed };
}

interface MadeLayers {
  placed: PrintedLayer[];
  printed: PrintedPart[];
  /** the PDF of each */
  files: FinishingFile[];
}

async function printLayers(
  { renderer }: FinishDeps,
  layers: readonly NamedLayer[],
  documents: readonly (readonly Sheet[])[],
  context: FinishInput,
): Promise<MadeLayers | Failure> {
  const made: MadeLayers = { placed: [], printed: [], files: [] };
  const startedAt = performance.now();
  const { waitMs = MAX_WAIT_MS, tenant, jobId, signal, span } = context;
  for (const named of layers) {
    const spent = spentMs(made.printed);
    const waited = performance.now() - startedAt - spent;
    try {
      const plan = planFor(named, documents);
      if (plan.copies.length === 0) continue;
      const content = await layerContent(named, plan, context.files);
      const part = partFor(named, plan, { ...context.settings, timeoutMs: Math.max(0, context.timeoutMs - spent) });
      const outcome = await renderer.render(part, {
        tenant,
        jobId,
        signal,
        span,
        content,
        waitMs: Math.max(0, waitMs - waited),
      });
      if (outcome.kind !== 'done') return withField(named, outcome);
      checkPages(named, plan, outcome.pdf);
      const name = `/${named.field}`; // no file of a request has such a path
      made.placed.push({ field: named.field, file: name, pageOf: plan.pageOf });
      made.printed.push(outcome.pdf);
      made.files.push({ name, chunks: outcome.pdf.chunks });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { kind: 'reject', code: error.code, message: error.message };
    }
  }
  return made;
}

/** @throws CodedError if its selection fits no page */
function planFor(
  { layer: { html = '', pages }, field }: NamedLayer,
  documents: readonly (readonly Sheet[])[],
): CopyPlan {
  const shows = { numbers: html.includes('pageNumber'), totals: html.includes('totalPages') };
  return planCopies(
    documents,
    pagesWith(
      { field, pages },
      documents.map((sheets) => sheets.length),
    ),
    shows,
  );
}

const NOT_OF_LAYERS = {
  singlePage: false,
  waitForSelector: undefined,
  waitForFunction: undefined,
  waitForTimeout: undefined,
  addScriptTag: undefined,
  addStyleTag: undefined,
  viewport: undefined,
} satisfies Partial<PrintSettings>;

/** What is about the requests and the network of a document: the image of a layer is a file of ours. */
const NOT_OF_OURS = {
  gotoOptions: withDefaults({}).gotoOptions,
  bestAttempt: false,
  cookies: undefined,
  setExtraHTTPHeaders: undefined,
  rejectResourceTypes: undefined,
  rejectRequestPattern: undefined,
  authenticate: undefined,
} satisfies Partial<PrintSettings>;

/** Printed as the job's documents are, but for what is about them alone. */
function partFor({ layer }: NamedLayer, { sheets: [first] }: CopyPlan, settings: PrintSettings): Part {
  const { width = 0, height = 0 } = first ?? {};
  const inches = (side: number) => `${(side / 72).toFixed(6)}in`;
  const { options } = withDefaults({});
  return {
    ...settings,
    ...NOT_OF_LAYERS,
    // Others are for the URL of a document.
    cookies: settings.cookies?.filter(({ url, domain }) => url !== undefined || domain !== undefined),
    ...(layer.html === undefined && NOT_OF_OURS),
    source: { kind: 'html', value: '' },
    options: {
      ...options,
      width: inches(width),
      height: inches(height),
      preferCSSPageSize: true,
      omitBackground: true,
    },
  };
}

/** What the author's HTML has made of the page may be more than one. @throws CodedError */
function checkPages({ layer, field }: NamedLayer, { copies }: CopyPlan, { pages }: PrintedPart): void {
  if (pages === copies.length) return;
  const name = layer.html === undefined ? field : `${field}.html`;
  throw new CodedError('finishing_invalid', `${name}: it takes ${pages} pages instead of ${copies.length}; allowed: what fits on the page to which it is added`); // prettier-ignore
}

/** What a layer's own checks say names the field already. */
function withField({ field }: NamedLayer, failure: Failure): Failure {
  if (failure.kind === 'interrupted' || failure.code === 'finishing_invalid') return failure;
  return { ...failure, message: `${field}: ${failure.message}` };
}

/** Milliseconds that the browser has taken. */
const spentMs = (parts: readonly PrintedPart[]) =>
  parts.reduce((sum, { timings: { page, load, wait, print } }) => sum + page + load + wait + print, 0);
