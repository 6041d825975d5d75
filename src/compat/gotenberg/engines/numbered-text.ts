import type { StampOptions } from './stamp-options.ts';

/** Width of a letter of Helvetica, on average, in sizes of the font. */
const LETTER = 0.55;

/** Where something is on a page, as `place-items` of CSS says it. */
const PLACES: Readonly<Record<string, string>> = {
  'top-left': 'start start', top: 'start center', 'top-right': 'start end', left: 'center start',
  center: 'center center', right: 'center end', 'bottom-left': 'end start', bottom: 'end center', 'bottom-right': 'end end',
}; // prettier-ignore

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** A page number, all pages, or a percent sign. */
const MARKS = /%([pP%])/g;

/**
 * Text that is not the same on each page, as a document that is as large as the page: `%p` is the number of the page,
 * `%P` how many there are.
 * @returns undefined if the text has neither
 */
export function numberedText(text: string, options: StampOptions): string | undefined {
  if (![...text.matchAll(MARKS)].some(([, mark]) => mark !== '%')) return undefined;
  const marked = escaped(text).replaceAll(MARKS, (_, mark: string) => {
    if (mark === '%') return '%';
    return `<span class="${mark === 'p' ? 'pageNumber' : 'totalPages'}"></span>`;
  });
  const {
    fontFamily,
    bold,
    italic,
    color,
    background,
    padding = 0,
    align,
    opacity,
    position,
    offset,
    rotate,
  } = options;
  const style = [
    `font: ${italic ? 'italic ' : ''}${bold ? 'bold ' : ''}${fontSizeOf(text, options)}/1.2 '${fontFamily}', sans-serif`,
    `color: ${color}; opacity: ${opacity}; white-space: pre`,
    ...(background === undefined ? [] : [`background: ${background}; padding: ${padding}pt`]),
    ...(align === undefined ? [] : [`text-align: ${align}`]),
    `translate: ${offset?.x ?? 0}pt ${offset?.y ?? 0}pt; rotate: ${angleOf(rotate)}`,
  ].join('; ');
  const page = `margin: 0; width: 100vw; height: 100vh; overflow: hidden; display: grid; place-items: ${PLACES[position] ?? ''}`; // prettier-ignore
  return `<!DOCTYPE html><body style="${page}"><div style="${style}">${marked}</div></body>`;
}

/** How large the letters are. If the text has to be as wide as a share of the page, its width is estimated. */
function fontSizeOf(text: string, { fontSize, scale, fit = 0.5 }: StampOptions): string {
  if (scale !== undefined) return `${fontSize * scale}pt`;
  const letters = Math.max(...text.split('\n').map((line) => line.replaceAll(MARKS, '0').length));
  return `${Number(((100 * fit) / (LETTER * letters)).toFixed(3))}vw`;
}

function angleOf(rotate: StampOptions['rotate']): string {
  if (typeof rotate === 'number') return `${rotate}deg`;
  return rotate === 'diagonal-up' ? 'calc(-1 * atan2(100vh, 100vw))' : 'atan2(100vh, 100vw)';
}
