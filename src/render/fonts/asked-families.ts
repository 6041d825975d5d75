/** What a document says of its fonts, as its page answered: nobody vouches for it. */
export interface AskedFonts {
  /** the values of `font-family` with which text is written */
  lists: string[];
  /** the families of its own, and whether each of them failed to load */
  own: [family: string, hasFailed: boolean][];
}

/** Elements looked at in full; of larger documents as many, evenly spread, and each rule that names a font. */
const MAX_ELEMENTS = 1_000;
const MAX_RULES = 3_000;
const MAX_LISTS = 50;
const MAX_OWN = 500;
const MAX_LENGTH = 500;

/**
 * An expression whose value is {@link AskedFonts}. It costs some 2 µs for each element. Without a font of its own, text is in
 * "Times New Roman", and in controls in Arial: that is nothing that the document asked for.
 */
export const ASKED_FONTS = `(() => {
  const lists = new Set();
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && /\\S/.test(node.data));
  const isDefault = (element, list) =>
    list === '"Times New Roman"' || (list === 'Arial' && element.closest('button,input,select,textarea') !== null);
  const look = (element) => {
    const list = getComputedStyle(element).fontFamily;
    if (lists.has(list) || lists.size >= ${MAX_LISTS} || isDefault(element, list)) return;
    if (hasText(element) && element.checkVisibility()) lists.add(list);
  };
  const scan = (rules) => {
    for (const rule of rules) {
      if (++scanned > ${MAX_RULES}) return;
      if (rule.style?.fontFamily && rule.selectorText) {
        const element = document.querySelector(rule.selectorText);
        if (element) look(element);
      }
      if (rule.cssRules?.length) scan(rule.cssRules);
    }
  };
  let scanned = 0;
  if (document.body) look(document.body);
  const elements = document.body?.getElementsByTagName('*') ?? [];
  const step = Math.max(1, elements.length / ${MAX_ELEMENTS});
  for (let at = 0; at < elements.length; at += step) look(elements[Math.floor(at)]);
  if (step > 1)
    for (const sheet of document.styleSheets) {
      try {
        scan(sheet.cssRules);
      } catch {
        // of another origin, or a selector that only style sheets have
      }
    }
  const own = new Map();
  if (lists.size > 0)
    for (const { family, status } of document.fonts) {
      if (own.size >= ${MAX_OWN}) break;
      own.set(family, status === 'error' && own.get(family) !== false);
    }
  return { lists: [...lists].map((list) => list.slice(0, ${MAX_LENGTH})), own: [...own] };
})()`;

/** @returns what a page answered, as far as it makes sense */
export function askedFonts(answer: unknown): AskedFonts {
  const { lists, own } =
    typeof answer === 'object' && answer !== null ? (answer as Partial<Record<string, unknown>>) : {};
  const asText = (text: string) =>
    text
      .slice(0, MAX_LENGTH)
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, ' '); // the database keeps no others
  const asList = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]).slice(0, MAX_OWN) : []);
  return {
    lists: asList(lists).flatMap((list) => (typeof list === 'string' ? asText(list) : [])),
    own: asList(own).flatMap((entry) => {
      const [family, hasFailed] = asList(entry);
      return typeof family === 'string' ? [[asText(family), hasFailed === true]] : [];
    }),
  };
}

/** Names that stand for a font of the system's choice. */
const GENERIC = new Set(
  `serif sans-serif monospace cursive fantasy system-ui ui-serif ui-sans-serif ui-monospace ui-rounded math emoji
  fangsong blinkmacsystemfont -apple-system -webkit-body -webkit-standard -webkit-pictograph inherit`.split(/\s+/),
);

/**
 * The families that a document asked for first, and did not get: neither are they here nor did it bring them.
 * @param names lower-case, of the families that are here
 */
export function missingFamilies({ lists, own }: AskedFonts, names: ReadonlySet<string>): string[] {
  const failed = new Map(own.map(([family, hasFailed]) => [unquoted(family).toLowerCase(), hasFailed]));
  const missing = new Map<string, string>();
  for (const list of lists) {
    const family = firstFamily(list);
    const key = family.toLowerCase();
    if (family === '' || (GENERIC.has(key) && !list.startsWith('"'))) continue;
    if (failed.get(key) ?? !names.has(key)) missing.set(key, family);
  }
  return [...missing.values()];
}

/** Of a computed value, in which every name that is no plain word is in double quotes. */
function firstFamily(list: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(list)?.[1];
  return quoted === undefined ? (list.split(',', 1)[0] ?? '').trim() : quoted.replaceAll(/\\(.)/g, '$1');
}

const unquoted = (family: string) => (/^["']/.test(family) ? family.slice(1, -1) : family);
