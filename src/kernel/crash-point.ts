/** Where a crash is worst: between two things that belong together. */
export type CrashPoint =
  | 'submit.committed' // before the caller hears of it
  | 'claim.committed' // before the worker knows of it
  | 'render.done' // before anything is written
  | 'finish.written' // before the commit
  | 'finish.committed'; // before the worker knows of it

let armed: string | undefined;
let left = 0;

/** For `npm run chaos`: the process dies when it comes to a point for the nth time. @param at `point:n` */
export function armCrashPoint(at: string): void {
  const [point, times = '1'] = at.split(':');
  armed = point;
  left = Number(times);
}

/** Here the process dies as by a power failure, if that was asked for. */
export function crashPoint(point: CrashPoint): void {
  if (point === armed && --left === 0) process.kill(process.pid, 'SIGKILL');
}

/** What a document does to its worker, by its file name. */
const PLANTED: Record<string, () => void> = {
  'chaos-kill.pdf': () => process.kill(process.pid, 'SIGKILL'),
  'chaos-throw.pdf': () => {
    setTimeout(() => {
      throw new Error('thrown by chaos-throw.pdf');
    });
  },
};

let arePlanted = false;

/** For tests: documents of certain names end their worker as a fault of ours would. */
export function plantFaults(): void {
  arePlanted = true;
}

/** Here a document does to its worker what its name says, if that was asked for. */
export function plantedFault(filename: string | undefined): void {
  if (arePlanted && filename !== undefined) PLANTED[filename]?.();
}
