import { deflateSync } from 'node:zlib';
import { Worker } from 'node:worker_threads';
import { finishingSchema } from '../../src/domain/finishing.ts';
import { type PrintSettings, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { describePdfs } from '../../src/finishing/describe/describe-pdfs.ts';
import { Draft } from '../../src/finishing/draft.ts';
import { isDone, runQpdf } from '../../src/finishing/qpdf.ts';
import type { StepList } from '../../src/finishing/step.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { CodedError, messageOf } from '../../src/kernel/errors.ts';
import { rawPdf, rawStream } from '../support/raw-pdf.ts';
import { mutated } from './mutate.ts';
import { stepContext } from '../support/step-context.ts';

/** Milliseconds in which a case has to end. */
const MAX_MS = 10_000;

/** What is mutated: small PDFs with whatever steps look at. */
export const SEEDS: readonly Uint8Array[] = [
  rawPdf({ content: 'BT /F 12 Tf 20 20 Td (text) Tj ET' }),
  rawPdf({
    catalog: '/OpenAction << /S /JavaScript /JS (1) >> /Names << /Dests << /Names [(a) [3 0 R /Fit]] >> /EmbeddedFiles << /Names [(b) 8 0 R] >> >> /Outlines 5 0 R /PageLabels << /Nums [0 << /S /D >>] >>',
    page: '/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.com/) >> >>]',
    objects: ['<< /First 6 0 R /Last 7 0 R /Count 2 >>', '<< /Title (one) /Parent 5 0 R /Next 7 0 R /Dest (a) >>', '<< /Title (two) /Parent 5 0 R /Prev 6 0 R /Dest [3 0 R /Fit] >>', '<< /Type /Filespec /F (b.xml) /EF << /F 4 0 R >> >>'],
  }),
  rawPdf({
    catalog: '/AcroForm << /Fields [5 0 R] /DA (/Helv 12 Tf) >>',
    page: '/Annots [5 0 R]',
    objects: ['<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (value) /Rect [9 9 99 29] /P 3 0 R /AP << /N 6 0 R >> >>', rawStream('/Type /XObject /Subtype /Form /BBox [0 0 90 20]', 'q Q')],
  }),
  rawPdf({
    catalog: '/MarkInfo << /Marked true >> /StructTreeRoot 5 0 R /Lang (en)',
    page: '/StructParents 0 /Resources << /XObject << /I 8 0 R >> >>',
    content: '/P << /MCID 0 >> BDC 9 0 0 9 0 0 cm /I Do EMC',
    objects: ['<< /Type /StructTreeRoot /K [6 0 R] /ParentTree 7 0 R /ParentTreeNextKey 1 >>', '<< /Type /StructElem /S /P /P 5 0 R /Pg 3 0 R /K [0] >>', '<< /Nums [0 [6 0 R]] >>', rawStream('/Type /XObject /Subtype /Image /Width 4 /Height 4 /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode', deflateSync(Buffer.alloc(16, 9)))],
  }),
  rawPdf({ pages: '/Kids [5 0 R 3 0 R] /Count 3 /MediaBox [0 0 200 100] /Rotate 90', objects: ['<< /Type /Pages /Parent 2 0 R /Count 2 /Kids [6 0 R 3 0 R] >>', '<< /Type /Page /Parent 5 0 R /UserUnit 2 /Resources << >> >>'] }),
]; // prettier-ignore

const finishing = finishingSchema.parse({
  pages: '1-',
  rotate: 90,
  overlay: [{ text: 'over' }],
  flatten: true,
  images: {},
  properties: { title: 'Title' },
  bookmarks: [{ title: 'first', page: 1 }],
  linearize: true,
});

/** How cases ended. */
interface FuzzReport {
  done: number;
  refused: number;
  /** steps that failed with another error, which refuses an upload too */
  failed: Map<string, number>;
  slowestMs: number;
  largestBytes: number;
}

interface PdfFuzzOptions {
  seed: number;
  count: number;
  seeds?: readonly Uint8Array[];
  steps?: StepList;
  onDone?: (cases: number) => void;
}

/**
 * Runs mutated PDFs as uploads through every step, and describes them, in this process.
 * @throws Error at the first case that is wrong: a result that qpdf cannot read, an error of `open` without a code. One
 *   that does not end in time kills this process, which says which one it was
 */
export async function fuzzPdfs({ seed, count, seeds = SEEDS, steps = STEPS, onDone }: PdfFuzzOptions): Promise<FuzzReport> {
  const works = await Promise.all(steps.steps.map(async (step) => ({ step, work: await step.load() })));
  const report: FuzzReport = { done: 0, refused: 0, failed: new Map(), slowestMs: 0, largestBytes: 0 };
  const watch = watchCases();
  for (let index = seed; index < seed + count; index++) {
    watch.begin(index);
    const startedAt = performance.now();
    const base = Buffer.from(seeds[index % seeds.length] ?? []);
    const bytes = index < seed + seeds.length ? base : mutated(base, index);
    let draft = [new Draft({ bytes, pages: 1, isUploaded: true })];
    const job = { settings: settings(), result: { finishing }, parts: [{ isUploaded: true }] };
    let name = '';
    await describePdfs([new Draft({ bytes, pages: 1, isUploaded: true })], [{ isUploaded: true, field: 'pdf' }]).catch((error: unknown) => {
      const problem = `describe: ${messageOf(error)}`;
      if (!(error instanceof CodedError)) report.failed.set(problem, (report.failed.get(problem) ?? 0) + 1);
    });
    try {
      for (const { step, work } of works) {
        const wanted = step.settingsOf(job);
        name = step.name;
        if (wanted !== undefined) draft = await work.run(draft, wanted, stepContext());
      }
      for (const each of draft) {
        const run = await runQpdf(await each.bytes(), ['/in.pdf', '/out.pdf']);
        if (!isDone(run)) throw new Error(`case ${index}: qpdf cannot read the result`);
      }
      report.done++;
    } catch (error) {
      if (error instanceof CodedError) report.refused++;
      else if (name === 'open' || messageOf(error).startsWith('case ')) throw new Error(`case ${index}: ${messageOf(error)}`, { cause: error });
      else report.failed.set(`${name}: ${messageOf(error)}`, (report.failed.get(`${name}: ${messageOf(error)}`) ?? 0) + 1);
    }
    report.slowestMs = Math.max(report.slowestMs, performance.now() - startedAt);
    report.largestBytes = Math.max(report.largestBytes, process.memoryUsage.rss());
    onDone?.(index - seed + 1);
  }
  await watch.end();
  return report;
} // prettier-ignore

function settings(): PrintSettings {
  const parsed = parsePdfRequest({ html: 'x' });
  if (!parsed.ok) throw new Error('the request is not valid');
  return parsed.request;
}

const WATCH = `
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    const ms = Date.now() - Number(workerData[0]);
    if (workerData[0] === 0n || ms < ${MAX_MS}) return;
    require('node:fs').writeSync(2, 'FAIL case ' + workerData[1] + ' did not end in ${MAX_MS} ms\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 100);
`;

/** Ends this process if a case blocks it. */
function watchCases(): { begin: (index: number) => void; end: () => Promise<unknown> } {
  const shared = new BigInt64Array(new SharedArrayBuffer(16));
  const thread = new Worker(WATCH, { eval: true, workerData: shared });
  thread.unref();
  return {
    begin: (index) => {
      shared[1] = BigInt(index);
      shared[0] = BigInt(Date.now());
    },
    end: () => thread.terminate(),
  };
}
