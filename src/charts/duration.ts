const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
] as const;

/** `38 ms`, `1.24 s`, `12.3 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const index = UNITS.findIndex((unit) => whole >= unit.seconds);
  const unit = UNITS[index] ?? UNITS[2];
  const below = UNITS[index + 1] ?? { name: 's', seconds: 1 };
  const rest = Math.floor((whole % unit.seconds) / below.seconds);
  return `${Math.floor(whole / unit.seconds)} ${unit.name}${rest > 0 ? ` ${rest} ${below.name}` : ''}`;
}

/** `20 s`, not `20.0 s`; a dash for null. @param ms milliseconds */
export function shortDuration(ms: number | null): string {
  return ms === null ? '–' : duration(ms / 1000).replace(/\.0+ /, ' ');
}

/** `2:05`, minutes and seconds. */
export function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
