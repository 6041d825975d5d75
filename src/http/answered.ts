import type { AppContext } from './route.ts';

/** Resolves when the answer is sent or the connection is closed. */
export function answered(c: AppContext): Promise<void> {
  const { outgoing } = c.env;
  return new Promise((done) => {
    if (outgoing.closed) done();
    else outgoing.once('close', () => done());
  });
}
