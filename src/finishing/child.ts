import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { endWithParent, giveUpRoot } from '../kernel/confined-process.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import type { Identity } from '../kernel/privileges.ts';
import { readFrames, type SentPdf, sendFrame } from './frames.ts';
import type { Pdf, StepList } from './step.ts';

// The process in which steps run; steps-process.ts starts it. It reads PDFs that anyone may have made, so it has no
// environment, reads no files but the program's, and gives up root before it gets the first PDF. It ends by SIGKILL.

/** What it is asked to do. `start` comes first. The first `step` of a job brings the PDFs, the last one returns them. */
export type Order =
  | { do: 'start'; module: string; identity: Identity | undefined }
  | { do: 'step'; name: string; settings: unknown; isLast: boolean };

/** Each order gets one answer. `failed`: what was thrown; with a code if it is a CodedError. */
export type Answer = { failed?: { code?: string; message: string } };

/** File descriptors: frames in both directions, and a pipe that breaks when the parent ends. */
const LINK_FD = 3;
const LIFELINE_FD = 4;
/** Nice value: the worker's own event loop goes first. */
const PRIORITY = 5;

type Work = Awaited<ReturnType<StepList['steps'][number]['load']>>;

const works = new Map<string, Work>();
let current: Pdf[] = [];

async function start({ module, identity }: Extract<Order, { do: 'start' }>): Promise<void> {
  const isGuarded = endWithParent(LIFELINE_FD); // starting a thread takes as long as starting Node
  const { STEPS } = (await import(module)) as { STEPS: StepList };
  for (const step of STEPS.steps) works.set(step.name, await step.load());
  await isGuarded;
  giveUpRoot(identity);
}

async function runStep(order: Extract<Order, { do: 'step' }>, given: SentPdf[]): Promise<SentPdf[]> {
  if (given.length > 0) current = given.map(({ chunks, pages }) => ({ bytes: chunks[0] ?? new Uint8Array(), pages })); // one piece each
  const pdfs = await works.get(order.name)?.run(current, order.settings);
  if (!Array.isArray(pdfs) || pdfs.length === 0) throw new Error(`the step ${order.name} returned no PDF`);
  current = order.isLast ? [] : pdfs;
  return order.isLast ? pdfs.map(({ bytes, pages }) => ({ chunks: [bytes], pages })) : [];
}

const link = new Socket({ fd: LINK_FD, readable: true, writable: true });
setPriority(PRIORITY);
for await (const { message, pdfs } of readFrames(link, { maxMessageBytes: Infinity, pieceBytes: Infinity })) {
  const order = message as Order;
  const answer: Answer = {};
  let finished: SentPdf[] = [];
  try {
    if (order.do === 'start') await start(order);
    else finished = await runStep(order, pdfs);
  } catch (error) {
    answer.failed = { ...(error instanceof CodedError && { code: error.code }), message: messageOf(error) };
  }
  await sendFrame(link, answer, finished);
}
