import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { endWithParent, giveUpNetwork, giveUpRoot } from '../kernel/confined-process.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import type { Identity } from '../kernel/privileges.ts';
import { readFrames, type SentPdf, sendFrame } from './frames.ts';
import { Draft } from './draft.ts';
import { forgetReferences } from './libpdf.ts';
import type { Sheet, StepContext, StepList } from './step.ts';
import type { Asked } from './write/signer.ts';

// The process in which steps run; steps-process.ts starts it. It reads PDFs that anyone may have made, so it has no
// environment and no network, reads no files but the program's, and gives up root before it gets the first PDF. It ends by SIGKILL.

/**
 * What it is asked to do. `start` comes first. The first `step` of a job brings the PDFs, and after them its files; the
 * last one returns the PDFs.
 */
export type Order =
  | { do: 'start'; module: string; identity: Identity | undefined }
  | { do: 'step'; name: string; settings: unknown; isLast: boolean; brings?: Brought }
  | { do: 'take'; base64: string };

/** What the first step of a job brings: for each of its PDFs whether it is uploaded, and the paths of its files. */
interface Brought {
  areUploaded: readonly boolean[];
  files: readonly string[];
}

/**
 * Each order gets one answer. `failed`: what was thrown; with a code if it is a CodedError. `asks`: the step needs
 * something of the worker, which comes with the order `take`; the answer to that is the step's.
 */
export type Answer = {
  asks?: { asked: Asked; base64: string };
  failed?: { code?: string; message: string };
  /** media types of the files that are returned */
  types?: string[];
  /** which part of the job each of them is of, from 0; null: of several */
  parts?: (number | null)[];
  sheets?: Sheet[][];
};

/** File descriptors: frames in both directions, and a pipe that breaks when the parent ends. */
const LINK_FD = 3;
const LIFELINE_FD = 4;
/** Nice value: the worker's own event loop goes first. */
const PRIORITY = 5;

type Work = Awaited<ReturnType<StepList['steps'][number]['load']>>;

const works = new Map<string, Work>();
let current: Draft[] = [];
let files = new Map<string, Uint8Array>();

async function start({ module, identity }: Extract<Order, { do: 'start' }>): Promise<void> {
  const isGuarded = endWithParent(LIFELINE_FD); // starting a thread takes as long as starting Node
  const { STEPS } = (await import(module)) as { STEPS: StepList };
  for (const step of STEPS.steps) works.set(step.name, await step.load());
  await isGuarded;
  giveUpNetwork();
  giveUpRoot(identity);
}

async function runStep(order: Extract<Order, { do: 'step' }>, given: SentPdf[], answer: Answer): Promise<SentPdf[]> {
  if (order.brings) takeJob(order.brings, given);
  const context: StepContext = { files, reportSheets: (sheets) => void (answer.sheets = sheets), ask };
  const drafts = await works.get(order.name)?.run(current, order.settings, context);
  if (!Array.isArray(drafts) || drafts.length === 0) throw new Error(`the step ${order.name} returned no PDF`);
  current = drafts;
  if (!order.isLast) return [];
  forgetJob();
  answer.types = drafts.map(({ type }) => type);
  answer.parts = drafts.map(({ part }) => part ?? null);
  const finished: SentPdf[] = [];
  for (const draft of drafts) finished.push({ chunks: [await draft.bytes()], pages: draft.pages });
  return finished;
}

function forgetJob(): void {
  current = [];
  files = new Map();
}

async function ask(asked: Asked, data: Uint8Array): Promise<Uint8Array> {
  await sendFrame(link, { asks: { asked, base64: Buffer.from(data).toString('base64') } } satisfies Answer, []);
  const { value } = await frames.next();
  if (!value) throw new Error('the worker does not answer');
  return Buffer.from((value.message as Extract<Order, { do: 'take' }>).base64, 'base64');
}

function takeJob({ areUploaded, files: paths }: Brought, given: SentPdf[]): void {
  forgetReferences();
  const pdfs = given.slice(0, given.length - paths.length);
  const bytesOf = ({ chunks }: SentPdf) => chunks[0] ?? new Uint8Array(); // in one piece each
  current = pdfs.map((pdf, index) => new Draft({ bytes: bytesOf(pdf), pages: pdf.pages, isUploaded: areUploaded[index] ?? true, part: index })); // prettier-ignore
  files = new Map(given.slice(pdfs.length).map((file, index) => [paths[index] ?? '', bytesOf(file)]));
}

const link = new Socket({ fd: LINK_FD, readable: true, writable: true });
setPriority(PRIORITY);
const frames = readFrames(link, { maxMessageBytes: Infinity, pieceBytes: Infinity, mayBeEmpty: true });
for await (const { message, pdfs } of frames) {
  const order = message as Exclude<Order, { do: 'take' }>;
  const answer: Answer = {};
  let finished: SentPdf[] = [];
  try {
    if (order.do === 'start') await start(order);
    else finished = await runStep(order, pdfs, answer);
  } catch (error) {
    forgetJob();
    answer.failed = { ...(error instanceof CodedError && { code: error.code }), message: messageOf(error) };
  }
  await sendFrame(link, answer, finished);
}
