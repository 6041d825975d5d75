/** Where a crash does most harm: between two steps that belong together. */
export type CrashPoint =
  | 'submit.committed' // before the caller has the answer
  | 'bulk.retried' // before the progress is written
  | 'batch.parts' // written, and no item yet
  | 'batch.items' // before the commit
  | 'batch.committed' // before the caller has the answer
  | 'claim.committed' // before the worker knows of it
  | 'render.done' // before anything is written
  | 'store.put' // before a row names it
  | 'finish.written' // before the commit
  | 'finish.committed' // before the worker knows of it
  | 'delivery.claimed' // before it is sent
  | 'delivery.sent'; // before that is written down

let armed: string | undefined;
let left = 0;

/** For `npm run chaos`: the process kills itself when it reaches a point for the nth time. @param at `point:n` */
export function armCrashPoint(at: string): void {
  const [point, times = '1'] = at.split(':');
  armed = point;
  left = Number(times);
}

/** Whether the process will kill itself at this point. */
export function isArmed(point: CrashPoint): boolean {
  return point === armed;
}

/** Kills the process here, without any clean-up, if {@link armCrashPoint} asked for it. */
export function crashPoint(point: CrashPoint): void {
  if (point === armed && --left === 0) process.kill(process.pid, 'SIGKILL');
}

/** Faults that a document causes in its worker, by its file name. */
const PLANTED: Record<string, () => void> = {
  'chaos-kill.pdf': () => process.kill(process.pid, 'SIGKILL'),
  'chaos-throw.pdf': () => {
    setTimeout(() => {
      throw new Error('thrown by chaos-throw.pdf');
    });
  },
};

let arePlanted = false;

/** For tests: documents with certain file names make their worker fail. */
export function plantFaults(): void {
  arePlanted = true;
}

/** Causes the fault of this file name, if {@link plantFaults} was called. */
export function plantedFault(filename: string | undefined): void {
  if (arePlanted && filename !== undefined) PLANTED[filename]?.();
}
