import { resolve } from 'node:path';
import { listenForSignals } from '../runtime/signals.ts';
import { FolderWatch } from '../sources/folder-watch.ts';

export interface WatchedInput {
  /** what it is made of */
  paths: readonly string[];
  /** Prints it as it is now, and says how that went. Rejects only when `signal` aborts. @param since by `performance.now()` */
  print: (since: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Prints each input, and again at each change: what changes while it is printed ends that, because it is out of date.
 * @param ignored paths of what is printed
 * @returns when a signal says so
 * @throws OperatorError if it cannot be watched
 */
export async function watchInputs(inputs: readonly WatchedInput[], ignored: readonly string[]): Promise<void> {
  const end = new AbortController();
  const stopListening = listenForSignals({ onFirst: () => end.abort(), onNext: () => end.abort() });
  const own = new Set(ignored.map((path) => resolve(path)));
  const watches: FolderWatch[] = [];
  try {
    await new Promise<void>((done, failed) => {
      end.signal.addEventListener('abort', () => done());
      Promise.all(
        inputs.map(async ({ paths, print }) => {
          const latest = new Latest(print, end.signal);
          watches.push(await FolderWatch.start({ paths, ignored: own, onChange: latest.start, onError: failed }));
          latest.start(performance.now());
        }),
      ).catch(failed);
    });
  } finally {
    stopListening();
    for (const watch of watches) watch.close();
    end.abort();
  }
}

/** Runs the latest of several calls, one at a time. */
class Latest {
  readonly #print: WatchedInput['print'];
  readonly #end: AbortSignal;
  #running: { aborter: AbortController; done: Promise<void> } | undefined;

  constructor(print: WatchedInput['print'], end: AbortSignal) {
    this.#print = print;
    this.#end = end;
  }

  readonly start = (since: number): void => {
    const before = this.#running;
    before?.aborter.abort();
    const aborter = new AbortController();
    const signal = AbortSignal.any([aborter.signal, this.#end]);
    const run = async () => {
      await before?.done;
      if (!signal.aborted) await this.#print(since, signal).catch(() => undefined);
    };
    this.#running = { aborter, done: run() };
  };
}
