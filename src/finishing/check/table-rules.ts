import type { Findings } from './findings.ts';
import { decodeText, isDictionary, type PdfDictionary } from './pdf-value.ts';
import type { StructureElement } from './structure-tree.ts';

/** Columns that a cell may span: more is an error, and would cost time. */
const MAX_SPAN = 1_000;

interface Cell {
  element: StructureElement;
  row: number;
  column: number;
  columns: number;
}

/** The rules about one table. */
export function checkTable(table: StructureElement, findings: Findings): void {
  const { page, children } = table;
  const count = (tag: string) => children.filter((child) => child.tag === tag).length;
  if (count('THead') > 1) findings.report('UA 7.2-12', 'a table has several heads', page);
  if (count('TFoot') > 1) findings.report('UA 7.2-14', 'a table has several feet', page);
  if (count('THead') + count('TFoot') > 0 && count('TBody') === 0)
    findings.report('UA 7.2-13', 'a table has a head or a foot but no body: write <tbody>', page);
  const rows = children.flatMap((child) =>
    child.tag === 'TR' ? [child] : child.children.filter(({ tag }) => tag === 'TR'),
  );
  const cells = layOut(rows, table, findings);
  checkHeaders(cells, table, findings);
}

/** Where each cell is. Reports rows of different lengths. */
function layOut(rows: readonly StructureElement[], table: StructureElement, findings: Findings): Cell[] {
  const cells: Cell[] = [];
  /** by column: rows that a cell from above still covers */
  const covered: number[] = [];
  let width: number | undefined;
  for (const [row, { children, page }] of rows.entries()) {
    let column = 0;
    const taken = new Set<number>();
    const skip = () => {
      while ((covered[column] ?? 0) > 0) column++;
    };
    const fresh: [number, number][] = [];
    for (const element of children) {
      if (element.tag !== 'TH' && element.tag !== 'TD') continue;
      skip();
      const [rowSpan, columns] = [span(element, 'RowSpan'), span(element, 'ColSpan')];
      cells.push({ element, row, column, columns });
      for (let index = 0; index < columns; index++, column++) {
        if ((covered[column] ?? 0) > 0)
          findings.report('UA 7.2-15', `cells of row ${row + 1} of a table overlap`, page);
        taken.add(column);
        fresh.push([column, rowSpan]);
      }
      if (row + rowSpan > rows.length)
        findings.report('UA 7.2-41', `a cell spans ${rowSpan} rows from row ${row + 1}, but the table has ${rows.length}`, page); // prettier-ignore
    }
    skip();
    let end = column;
    for (let index = column; index < covered.length; index++) if ((covered[index] ?? 0) > 0) end = index + 1;
    for (const [index, rest] of covered.entries()) if (rest > 0) covered[index] = rest - 1;
    for (const [index, rowSpan] of fresh) covered[index] = Math.max(covered[index] ?? 0, rowSpan - 1);
    if (width !== undefined && end !== width)
      findings.report('UA 7.2-42', `row ${row + 1} of a table has ${end} columns, the first one ${width}: fill it up, or use colspan`, page ?? table.page); // prettier-ignore
    width ??= end;
  }
  return cells;
}

function checkHeaders(cells: readonly Cell[], table: StructureElement, findings: Findings): void {
  const headers = cells.filter(({ element }) => element.tag === 'TH');
  const names = new Set(headers.map(({ element }) => element.dictionary.text('ID')));
  const scopes = headers.map(({ element }) => attribute(element, 'Scope'));
  let isUnknown = headers.length > 0 && scopes.some((scope) => scope === undefined);
  for (const { element } of cells) {
    const wanted = attribute(element, 'Headers');
    if (!Array.isArray(wanted)) continue;
    const missing = wanted
      .map((name) => element.dictionary.resolve(name))
      .filter((name) => name instanceof Uint8Array && !names.has(decodeText(name)));
    if (missing.length > 0) findings.report('UA 7.5-2', 'a cell names a header cell that there is not', element.page);
  }
  if (isUnknown) {
    const bodies = cells.filter(({ element }) => element.tag === 'TD');
    isUnknown = bodies.some(({ element }) => attribute(element, 'Headers') === undefined);
  }
  if (isUnknown) findings.report('UA 7.5-1', 'header cells of a table are not found for each cell: write <th scope>', table.page); // prettier-ignore
}

function span(element: StructureElement, key: string): number {
  const value = attribute(element, key);
  return typeof value === 'number' && value >= 1 ? Math.min(MAX_SPAN, Math.floor(value)) : 1;
}

/** An attribute of a table's cell; undefined if it has none. */
function attribute({ dictionary }: StructureElement, key: string): unknown {
  const found = dictionary.all('A').filter(isDictionary).find((each: PdfDictionary) => each.has(key)); // prettier-ignore
  return found?.get(key);
}
