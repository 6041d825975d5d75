import type { AppContext } from './route.ts';

/** Resolves when the answer is sent, or its connection is gone. */
export function answered(c: AppContext): Promise<void> {
  const { outgoing } = c.env;
  return new Promise((done) => {
    if (outgoing.closed) done();
    else outgoing.once('close', () => done());
  });
}
