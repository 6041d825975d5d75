// Values of the options of a watermark or stamp, as pdfcpu writes them.

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

/** @returns undefined if it is no number between these */
export function numberOf(text: string, min: number, max: number): number | undefined {
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

/** Numbers with spaces between them. @returns undefined if there are not so many */
export function numbersOf(text: string, count: number): number[] | undefined {
  const numbers = text.split(/ +/).map((each) => numberOf(each, -14_400, 14_400));
  const known = numbers.filter((number) => number !== undefined);
  return numbers.length === count && known.length === count ? known : undefined;
}

const NAMED: Readonly<Record<string, string>> = {
  black: '#000000',
  white: '#ffffff',
  gray: '#808080',
  lightgray: '#e5e5e5',
  darkgray: '#4d4d4d',
  red: '#ff0000',
  green: '#00ff00',
  blue: '#0000ff',
};

/** `#RRGGBB` of a colour: so, by name, or as red, green and blue from 0 to 1. */
export function colorOf(text: string): string | undefined {
  if (/^#[0-9a-f]{6}$/i.test(text)) return text.toLowerCase();
  const shares = numbersOf(text, 3);
  if (!shares) return NAMED[text.toLowerCase()];
  if (shares.some((share) => share < 0 || share > 1)) return undefined;
  return `#${shares.map((share) => Math.round(share * 255).toString(16).padStart(2, '0')).join('')}`; // prettier-ignore
}

/** Up to 1 a share of the page, above 1 times its own size, unless `abs` or `rel` says it. */
export function scaleOf(text: string): { fit: number } | { scale: number } | undefined {
  const [value = '', mode = '', ...others] = text.split(/ +/);
  const number = numberOf(value, 0.001, 100);
  if (number === undefined || others.length > 0 || !/^(?:a|abs|r|rel)?$/.test(mode)) return undefined;
  const isAbsolute = mode === '' ? number > 1 : mode.startsWith('a');
  if (isAbsolute) return { scale: number };
  return number <= 1 ? { fit: number } : undefined;
}
