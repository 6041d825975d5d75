import { type PDF, PdfName } from '../libpdf.ts';
import { elementOf, structureElements, type TaggedElement } from './structure-elements.ts';

const FIGURE = 'Figure';
const GROUP = PdfName.of('Div');

/**
 * Makes groups of the figures that are nothing else. Chromium tags `<figure>` as a figure around that of its `<img>`,
 * which has the alternative text, and around code or tables, which need none.
 */
export function cureFigures(pdf: PDF): void {
  for (const tagged of structureElements(pdf)) if (isGroup(pdf, tagged)) tagged.element.set('S', GROUP);
}

/** Not if it shows something itself, and not if only a caption is left: then there is nothing that says what is shown. */
function isGroup(pdf: PDF, { element, kids }: TaggedElement): boolean {
  if (element.getName('S')?.value !== FIGURE || element.has('Alt') || element.has('ActualText')) return false;
  const tags = kids.map((kid) => elementOf(pdf, kid)?.getName('S')?.value);
  return tags.every((tag) => tag !== undefined) && tags.some((tag) => tag !== 'Caption');
}
