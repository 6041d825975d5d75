const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes on the Ctrl-C that the terminal has sent us already: that is one signal, not two. */
const SAME_SIGNAL_MS = 500;

interface SignalHandlers {
  /** asked to stop */
  onFirst: (signal: NodeJS.Signals) => void;
  /** asked again: at once */
  onNext: (signal: NodeJS.Signals) => void;
}

/** Signals do what they are told here, instead of ending the process. @returns what gives them back */
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
