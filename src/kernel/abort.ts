/**
 * Settles as `work` does, or rejects with the reason of the first signal that aborts. `work` itself is not stopped.
 * Afterwards the signals, which may live much longer, hold no reference to `work` or its result.
 */
export async function unlessAborted<T>(signals: (AbortSignal | undefined)[], work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // it may fail after we stopped waiting
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
