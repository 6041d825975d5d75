/** Milliseconds between two looks. */
const CHECK_MS = 10;

/**
 * Watches how long the event loop of this process is held up. Only what the process computed meanwhile counts:
 * a machine that gave it no time is not its fault.
 * @param onSilence told of every silence that is longer than all before it, in milliseconds
 */
export function watchSilence(onSilence: (ms: number) => void = () => undefined): { longest: number; end: () => void } {
  const watch = { longest: 0, end: () => clearInterval(timer) };
  let seenAt = performance.now();
  let cpu = process.cpuUsage();
  const timer = setInterval(() => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    const ms = Math.round(Math.min(now - seenAt - CHECK_MS, (user + system) / 1000));
    seenAt = now;
    cpu = process.cpuUsage();
    if (ms <= watch.longest) return;
    watch.longest = ms;
    onSilence(ms);
  }, CHECK_MS);
  return watch;
}
