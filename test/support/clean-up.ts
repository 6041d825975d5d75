/** What the test file that runs has to have undone, in the order in which it was done. */
const left: (() => Promise<unknown>)[] = [];

/** Has something undone when the test file is over, also what was done in the middle of a test. */
export function undoLater(undo: () => Promise<unknown>): void {
  left.push(undo);
}

/** The last first: a process ends before the database goes that it uses. */
export async function undoAll(): Promise<void> {
  for (let undo = left.pop(); undo; undo = left.pop()) await undo();
}
