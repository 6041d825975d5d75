/** Characters of a regular expression. */
export const MAX_EXPRESSION = 1_000;
/** Texts that one regular expression may stand for. */
const MAX_TEXTS = 50;

/**
 * A regular expression of URLs as patterns with `*`, which stand for the same URLs: `\.(png|jpe?g)$` as `*.png`, `*.jpg`
 * and `*.jpeg`. A dot alone stands for itself, which is what is meant by `google.com`.
 * @returns undefined if it cannot be written with `*`, or is too long
 */
export function urlPatternsOf(expression: string): string[] | undefined {
  if (expression.startsWith('*')) return [expression]; // it is one of ours already
  if (expression.length > MAX_EXPRESSION) return undefined;
  const text = expression.replace(/^\/(.*)\/[gimsuy]*$/, '$1').replace(/^\/\^/, '^');
  const isFromStart = text.startsWith('^');
  const isToEnd = /(?<!\\)\$$/.test(text);
  const texts = textsOf(text.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined));
  return texts?.map((each) => `${isFromStart ? '' : '*'}${each}${isToEnd ? '' : '*'}`.replaceAll(/\*+/g, '*'));
}

/** Every text that it stands for, with `*` for any characters. */
function textsOf(expression: string): string[] | undefined {
  let texts = [''];
  let plain = ''; // what all of them have after that
  let rest = expression;
  while (rest !== '') {
    const step = nextStep(rest);
    if (!step) return undefined;
    const [only, another] = step.choices;
    if (another === undefined) plain += only;
    else {
      texts = texts.flatMap((text) => step.choices.map((choice) => text + plain + choice));
      plain = '';
    }
    if (texts.length > MAX_TEXTS) return undefined;
    rest = rest.slice(step.length);
  }
  return texts.map((text) => text + plain);
}

/** What the expression begins with. */
function nextStep(rest: string): { choices: string[]; length: number } | undefined {
  const [any] = /^\.[*+]\??/.exec(rest) ?? [];
  if (any !== undefined) return { choices: ['*'], length: any.length };
  const [group, inside] = /^\((?:\?:)?([^()]*)\)(?![*+?{])/.exec(rest) ?? [];
  if (group !== undefined && inside !== undefined) {
    const choices = inside.split('|').map(textsOf);
    return choices.includes(undefined)
      ? undefined
      : { choices: choices.flatMap((texts) => texts ?? []), length: group.length };
  }
  const [literal, escaped, plain = escaped] = /^(?:\\([^a-zA-Z0-9])|([^\\^$.*+?()[\]{}|]|\.))/.exec(rest) ?? [];
  if (literal === undefined || plain === undefined) return undefined;
  const after = rest.charAt(literal.length);
  if (after === '?') return { choices: [plain, ''], length: literal.length + 1 };
  return '*+{'.includes(after) && after !== '' ? undefined : { choices: [plain], length: literal.length };
}
