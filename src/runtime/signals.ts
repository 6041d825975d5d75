const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm sends us the Ctrl-C again that the terminal has sent already. Both count as one signal. */
const SAME_SIGNAL_MS = 500;

interface SignalHandlers {
  onFirst: (signal: NodeJS.Signals) => void;
  onNext: (signal: NodeJS.Signals) => void;
}

/** Calls the handlers instead of ending the process. @returns a function that ends this */
export function listenForSignals({ onFirst, onNext }: SignalHandlers): () => void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      onFirst(signal);
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) onNext(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
