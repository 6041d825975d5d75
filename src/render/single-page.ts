import { setTimeout as sleep } from 'node:timers/promises';
import type { Viewport } from 'puppeteer';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { marginInches, paperSize } from '../domain/print-fields.ts';
import type { Deadline } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { countPages } from './page-count.ts';
import { type PdfCaps, printPdf, type PrintedPdf } from './print.ts';
import { DEFAULT_VIEWPORT, type Tab } from './tab.ts';

/** The highest page that a PDF can have, and the widest, in inches. */
const MAX_HEIGHT = 200;
const MAX_WIDTH = 200;
const PX = 96;
/** Pixels: more than fit on the highest page at the smallest scale. */
const MAX_VIEWPORT = 300_000;
/** The page is printed again, higher, if the content needs more than was measured. */
const MAX_TRIES = 4;
/** A page may set its own size, and never have the one that was asked for. */
const MAX_CHECKS = 50;
const CHECK_MS = 10;
/** Chromium makes everything so much smaller, at most, if something is wider than the paper. */
const MAX_SHRINK = 1.5;

type Options = PrintSettings['options'];

interface Measured {
  /** pixels of everything */
  height: number;
  width: number;
  /** pixels from the top to the end of the lowest element in the body */
  lowest: number;
  /** inches, where a style sheet of the document sets them by `@page` */
  margin: Partial<Record<'top' | 'right' | 'bottom' | 'left', number>>;
}

/**
 * Prints a page as wide as the paper and as high as the content with its margins. With `landscape` it is as wide as the
 * content, if that is wider than the paper. The page's width of layout is the paper's meanwhile.
 * @throws CodedError `page_too_tall`
 */
export async function printSinglePage(
  tab: Tab,
  request: PrintSettings,
  caps: PdfCaps,
  deadline: Deadline,
): Promise<PrintedPdf> {
  const { options, viewport } = request;
  try {
    const { widthInches, margin, height } = await deadline.race('measuring the content', measure(tab, options));
    let inches = height;
    for (let tries = 1; ; tries++) {
      if (inches > MAX_HEIGHT) throw tooTall(`the content is ${inches.toFixed(1)} inches high`);
      await restyle(tab, onePage(widthInches, inches));
      const printed = await printPdf(tab, onPaper(options, widthInches, inches, margin), caps);
      const pages = countPages(printed.chunks);
      if (pages <= 1) return printed;
      if (tries === MAX_TRIES) throw tooTall('the content grows with the page');
      inches = Math.max(inches * (pages - 1), inches + margin.top + margin.bottom, 1) * 1.05;
    }
  } finally {
    // Otherwise the next document in this page would have it.
    const restored = Promise.all([restyle(tab, ''), resize(tab, viewport ?? DEFAULT_VIEWPORT)]);
    await deadline.race('the viewport', restored);
  }
}

const tooTall = (what: string) =>
  new CodedError('page_too_tall', `singlePage: ${what}; a page of a PDF can have ${MAX_HEIGHT} inches`);

const inch = (length: number) => `${length.toFixed(4)}in`;

const onPaper = (
  options: Options,
  width: number,
  height: number,
  { top, right, bottom, left }: ReturnType<typeof marginInches>,
): Options => ({
  ...options,
  landscape: false,
  preferCSSPageSize: false,
  width: inch(width),
  height: inch(height),
  margin: { top: inch(top), right: inch(right), bottom: inch(bottom), left: inch(left) },
});

async function measure(tab: Tab, options: Options) {
  const paper = paperSize(options);
  const [paperWidth, paperHeight] = options.landscape ? [paper.height, paper.width] : [paper.width, paper.height];
  const given = marginInches(options);
  const scale = options.scale;
  await restyle(tab, onePage(paperWidth, MAX_HEIGHT));
  const { margin: own } = await measureContent(tab);
  const margin = { ...given, ...own };
  const printable = paperWidth - margin.left - margin.right;
  if (printable <= 0) throw new CodedError('print_failed', 'options.margin: the margins leave no room on the paper');
  let width = (printable * PX) / scale;
  const { width: needed } = await layOut(tab, width, 1);
  let widthInches = paperWidth;
  if (options.landscape && needed > width) {
    widthInches = Math.min(MAX_WIDTH, paperWidth + ((needed - width) / PX) * scale);
    await restyle(tab, onePage(widthInches, MAX_HEIGHT));
    width = ((widthInches - margin.left - margin.right) * PX) / scale;
  }
  const shrink = Math.min(MAX_SHRINK, Math.max(1, needed / width));
  width *= shrink;
  const { height: content } = await layOut(tab, width, 1);
  // What is as high as the page is as high as the paper, unless the content is higher.
  const { lowest } = await layOut(tab, width, ((paperHeight - margin.top - margin.bottom) * PX * shrink) / scale);
  let height = Math.max(content, lowest);
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const grown = await layOut(tab, width, height);
    if (grown.height <= height) break;
    ({ height } = grown);
  }
  const inches = (Math.ceil(height + 1) / shrink / PX) * scale + margin.top + margin.bottom;
  return { widthInches, margin, height: Math.max(inches, 0.1) };
}

/** Lays the document out for a viewport of this size, in pixels. */
async function layOut(tab: Tab, width: number, height: number): Promise<Measured> {
  await resize(tab, {
    width: Math.max(1, Math.floor(width)),
    height: Math.min(MAX_VIEWPORT, Math.max(1, Math.ceil(height))),
  });
  return measureContent(tab);
}

/** The browser answers before the page is resized. */
async function resize({ page, session }: Tab, viewport: Viewport): Promise<void> {
  await page.setViewport(viewport);
  const expression = `innerWidth === ${viewport.width} && innerHeight === ${viewport.height}`;
  for (let tries = 1; tries <= MAX_CHECKS; tries++) {
    const { result } = await session.send('Runtime.evaluate', { expression });
    if (result.value === true) return;
    await sleep(CHECK_MS, undefined, { ref: false });
  }
}

async function measureContent({ session }: Tab): Promise<Measured> {
  const { result } = await session.send('Runtime.evaluate', { expression: MEASURE, returnByValue: true });
  // A document can change what its measures are made of.
  const { height, width, lowest, margin } = (result.value ?? {}) as Partial<Measured>;
  const pixels = (value: unknown) => (Number.isFinite(value) ? Number(value) : 1);
  const margins = Object.entries(margin ?? {}).filter(([, inches]) => Number.isFinite(inches) && inches >= 0);
  return {
    height: pixels(height),
    width: pixels(width),
    lowest: pixels(lowest),
    margin: Object.fromEntries(margins),
  };
}

/** Runs in the page. Margins of `@page` have precedence in print, so they are read from the style sheets. */
const MEASURE = `(() => {
  const root = document.documentElement;
  const margin = {};
  const probe = document.createElement('div');
  probe.style.position = 'absolute';
  (document.body ?? root).append(probe);
  const read = (rules) => {
    for (const rule of rules) {
      if (rule instanceof CSSMediaRule && !matchMedia(rule.conditionText).matches) continue;
      if (rule instanceof CSSPageRule && rule.selectorText === '')
        for (const side of ['top', 'right', 'bottom', 'left']) {
          const value = rule.style.getPropertyValue('margin-' + side);
          if (value === '') continue;
          probe.style.setProperty('margin-' + side, value);
          margin[side] = parseFloat(getComputedStyle(probe).getPropertyValue('margin-' + side)) / ${PX};
        }
      else if (rule.cssRules) read(rule.cssRules);
    }
  };
  const lowest = () => {
    let bottom = 0;
    for (const element of document.body?.children ?? []) bottom = Math.max(bottom, element.getBoundingClientRect().bottom);
    return bottom;
  };
  for (const sheet of document.styleSheets)
    try {
      read(sheet.cssRules);
    } catch {} // of another origin
  probe.remove();
  return { margin, height: Math.max(1, root.scrollHeight), width: root.scrollWidth, lowest: lowest() };
})()`;

/** One page has no breaks, and its size is not the document's to choose. */
const onePage = (width: number, height: number) => `@page { size: ${inch(width)} ${inch(height)} !important }
*, ::before, ::after { break-before: auto !important; break-after: auto !important; break-inside: auto !important; page: auto !important }`;

/** Replaces our style sheet in the document; without a text it is removed. */
async function restyle({ session }: Tab, css: string): Promise<void> {
  const expression = `{
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(${JSON.stringify(css)});
    sheet.isOfSinglePage = true;
    const others = document.adoptedStyleSheets.filter((other) => !other.isOfSinglePage);
    document.adoptedStyleSheets = ${css === '' ? 'others' : '[...others, sheet]'};
  }`;
  await session.send('Runtime.evaluate', { expression });
}
