// The values of a form, by the rules of Go, which Gotenberg reads them with.

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** @returns undefined if it is no boolean */
export function parseBoolean(text: string): boolean | undefined {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

/** @returns undefined if it is no whole number */
export function parseWhole(text: string): number | undefined {
  const number = /^[+-]?\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** @returns undefined if it is no number; infinity is one */
export function parseFloat64(text: string): number | undefined {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const PER_INCH = { pt: 72, px: 96, in: 1, mm: 25.4, cm: 2.54, pc: 6 } as const;

/** Inches of a length: a number of inches, or one with a unit. @returns undefined if it is none */
export function parseInches(text: string): number | undefined {
  const unit = /(?:pt|px|in|mm|cm|pc)$/.exec(text)?.[0] as keyof typeof PER_INCH | undefined;
  const number = parseFloat64(unit === undefined ? text : text.slice(0, -unit.length));
  return number === undefined ? undefined : number / PER_INCH[unit ?? 'in'];
}

const MILLISECONDS = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const STEP = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds of a duration such as `1m30.5s`. @returns undefined if it is none; a number needs a unit, except 0 */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const steps = text.replace(/^[+-]/, '');
  if (steps === '0') return 0;
  let sum = 0;
  let at = 0;
  while (at < steps.length) {
    STEP.lastIndex = at;
    const [step, number, unit] = STEP.exec(steps) ?? [];
    if (step === undefined) return undefined;
    sum += Number(number) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
    at += step.length;
  }
  return at === 0 ? undefined : sign * sum;
}
