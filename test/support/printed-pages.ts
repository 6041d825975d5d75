import { getDocumentProxy, getResolvedPDFJS } from 'unpdf';

/** Millimetres from the top left corner of the page. */
interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Text on one line without a gap as wide as it is high. `y` is its baseline, `size` is in points; the rest is in millimetres. */
export interface Run {
  text: string;
  left: number;
  right: number;
  y: number;
  size: number;
}

/** What is filled or stroked with a colour, such as `#2a9d8f`, or with a `pattern`: a gradient, a repeated image. */
interface Paint extends Box {
  color: string;
  kind: 'fill' | 'stroke';
}

export interface PrintedPage {
  /** width and height in millimetres, rounded; as it is shown, if it is rotated */
  size: [number, number];
  runs: Run[];
  paints: Paint[];
  /** where the page's links lead: a URL, or the name of a place in the document */
  links: string[];
  /** fields that can be filled in */
  fields: number;
}

export interface PrintedDocument {
  pages: PrintedPage[];
  /** titles of the bookmarks, with as many `>` before each as it is deep */
  bookmarks: string[];
}

type Document = Awaited<ReturnType<typeof getDocumentProxy>>;
type Page = Awaited<ReturnType<Document['getPage']>>;
type Matrix = [number, number, number, number, number, number];

const MM = 25.4 / 72;
const round = (points: number) => Math.round(points * MM * 10) / 10;

/** Where every text, area and line of a PDF is. */
export async function readPages(bytes: Uint8Array): Promise<PrintedDocument> {
  const document = await getDocumentProxy(new Uint8Array(bytes));
  const pages = [];
  for (let number = 1; number <= document.numPages; number++)
    pages.push(await readPage(await document.getPage(number)));
  return { pages, bookmarks: titles(await document.getOutline(), '') };
}

async function readPage(page: Page): Promise<PrintedPage> {
  const { width, height } = page.getViewport({ scale: 1 });
  const annotations = (await page.getAnnotations()) as { subtype: string; url?: string; dest?: unknown }[];
  return {
    size: [Math.round(width * MM), Math.round(height * MM)],
    runs: await readRuns(page),
    paints: await readPaints(page),
    links: annotations.filter(({ subtype }) => subtype === 'Link').map(({ url, dest }) => url ?? String(dest)),
    fields: annotations.filter(({ subtype }) => subtype === 'Widget').length,
  };
}

async function readRuns(page: Page): Promise<Run[]> {
  const { transform: view } = page.getViewport({ scale: 1 });
  const { items } = await page.getTextContent();
  const runs: Run[] = [];
  for (const item of items) {
    if (!('str' in item) || item.str === '') continue;
    const [, , c, d, e, f] = multiply(view as Matrix, item.transform as Matrix);
    const [left, right, y, size] = [round(e), round(e + item.width), round(f), Math.hypot(c, d)];
    const gap = size * MM;
    if (item.str.trim() === '' && right - left > gap) continue; // a space as wide as that is none
    const last = runs.at(-1);
    if (last && Math.abs(last.y - y) < 0.2 && left > last.left && left - last.right < gap) {
      last.text += item.str;
      last.right = right;
    } else runs.push({ text: item.str, left, right, y, size: Math.round(size * 10) / 10 });
  }
  return runs.map((run) => ({ ...run, text: run.text.trim() })).filter(({ text }) => text !== '');
}

async function readPaints(page: Page): Promise<Paint[]> {
  const { OPS } = await getResolvedPDFJS();
  const { fnArray, argsArray } = await page.getOperatorList();
  const { transform: view } = page.getViewport({ scale: 1 });
  const kinds = new Map<number, Paint['kind']>([
    [OPS.fill, 'fill'],
    [OPS.eoFill, 'fill'],
    [OPS.stroke, 'stroke'],
  ]);
  let state = { matrix: view as Matrix, fill: '#000000', stroke: '#000000' };
  const saved: (typeof state)[] = [];
  const paints: Paint[] = [];
  for (const [index, operator] of fnArray.entries()) {
    const [first, , bounds] = (argsArray[index] ?? []) as [unknown, unknown, ArrayLike<number> | undefined];
    if (operator === OPS.save) saved.push({ ...state });
    else if (operator === OPS.restore) state = saved.pop() ?? state;
    else if (operator === OPS.transform) state.matrix = multiply(state.matrix, argsArray[index] as Matrix);
    else if (operator === OPS.setFillRGBColor) state.fill = String(first);
    else if (operator === OPS.setFillColorN) state.fill = 'pattern';
    else if (operator === OPS.setStrokeRGBColor) state.stroke = String(first);
    else if (operator === OPS.constructPath && bounds) {
      const kind = kinds.get(first as number);
      if (kind) paints.push({ kind, color: state[kind], ...boxOf(state.matrix, bounds) });
    }
  }
  return paints;
}

function multiply([a, b, c, d, e, f]: Matrix, [g, h, i, j, k, l]: Matrix): Matrix {
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

function boxOf([a, b, c, d, e, f]: Matrix, bounds: ArrayLike<number>): Box {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = Array.from(bounds);
  const corners = [[x1, y1], [x2, y1], [x1, y2], [x2, y2]] as [number, number][]; // prettier-ignore
  const xs = corners.map(([x, y]) => round(a * x + c * y + e));
  const ys = corners.map(([x, y]) => round(b * x + d * y + f));
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

type Outline = Awaited<ReturnType<Document['getOutline']>>;

function titles(items: Outline | undefined, depth: string): string[] {
  return (items ?? []).flatMap(({ title, items: below }) => [depth + title, ...titles(below as Outline, `${depth}>`)]);
}
