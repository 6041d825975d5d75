/**
 * Settles as `work` does, or rejects with the reason of the first of the signals that aborts. `work` itself is not
 * stopped. Nothing of it stays with the signals, which may live much longer: `Promise.race` with a promise that
 * lasts would keep every result for as long.
 */
export async function unlessAborted<T>(signals: (AbortSignal | undefined)[], work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // it may fail after we have stopped listening
  const aborted = Promise.withResolvers<never>();
  const listeners = signals.map((signal) => {
    const listener = () => aborted.reject(signal?.reason);
    if (signal?.aborted) listener();
    signal?.addEventListener('abort', listener);
    return () => signal?.removeEventListener('abort', listener);
  });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    for (const stop of listeners) stop();
  }
}
