/** Characters of a URL that patterns are compared with: a longer one is compared up to there. */
const COMPARED = 10_000;

const ALLOWED =
  'allowed: a URL in which * stands for any characters, such as *://*.example.com/* or *.png; it begins with * or http, and is no regular expression';

/** @returns undefined if the text is a pattern of URLs: all characters but `*` stand for themselves */
export function urlPatternProblem(pattern: string): string | undefined {
  const isUrl = /^(?:\*|http)/.test(pattern);
  return isUrl && !/[\\^|\s]/.test(pattern) ? undefined : ALLOWED;
}

/**
 * @returns whether a whole URL, without its fragment, matches one of the patterns, in time linear in the length of the
 * URL for each pattern, whatever they contain
 */
export function urlMatcher(patterns: readonly string[]): (url: string) => boolean {
  const matchers = patterns.map(matcher);
  return (url) => {
    const [compared = ''] = url.slice(0, COMPARED).split('#', 1);
    return matchers.some((matches) => matches(compared));
  };
}

function matcher(pattern: string): (text: string) => boolean {
  const [start = '', ...others] = pattern.split('*');
  const end = others.pop();
  if (end === undefined) return (text) => text === start;
  const finders = others.filter((part) => part !== '').map(finder);
  return (text) => {
    if (!text.startsWith(start)) return false;
    let at = start.length;
    for (const find of finders) {
      at = find(text, at); // the first place leaves the most for those that follow
      if (at === -1) return false;
    }
    return text.endsWith(end) && text.length - end.length >= at;
  };
}

/**
 * The algorithm of Knuth, Morris and Pratt, because `indexOf` takes the product of both lengths at worst.
 * @returns a function that finds the end of the first place of `part` from an index on; -1 if there is none
 */
function finder(part: string): (text: string, from: number) => number {
  const borders = [0];
  for (let index = 1, length = 0; index < part.length; index++) {
    while (length > 0 && part[index] !== part[length]) length = borders[length - 1] ?? 0;
    if (part[index] === part[length]) length++;
    borders.push(length);
  }
  return (text, from) => {
    for (let at = from, found = 0; at < text.length; at++) {
      while (found > 0 && text[at] !== part[found]) found = borders[found - 1] ?? 0;
      if (text[at] === part[found]) found++;
      if (found === part.length) return at + 1;
    }
    return -1;
  };
}
