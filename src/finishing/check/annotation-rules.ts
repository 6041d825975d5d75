import type { Findings } from './findings.ts';
import { inherited, type PdfFile } from './pdf-file.ts';
import { isDictionary, type PdfDictionary, PdfStream } from './pdf-value.ts';
import { StructureParents } from './structure-parents.ts';

const TYPES = new Set(
  'Text Link FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Stamp Caret Ink Popup FileAttachment Widget PrinterMark TrapNet Watermark Redact'.split(
    ' ',
  ),
);
/** Those of them that PDF 1.4 does not know, or that have a file in them. */
const NEWER_TYPES = new Set(['Polygon', 'PolyLine', 'Caret', 'FileAttachment', 'Watermark', 'Redact']);
const INVISIBLE = 1;
const HIDDEN = 2;
const PRINT = 4;
const NO_VIEW = 32;
const TOGGLE_NO_VIEW = 256;

/** The rules about annotations: links, form fields, notes. */
export function checkAnnotations(file: PdfFile, findings: Findings): void {
  const parents = new StructureParents(file);
  for (const [index, page] of file.pages.entries()) {
    const annotations = page.all('Annots').filter(isDictionary);
    for (const annotation of annotations) {
      checkArchived(annotation, index + 1, findings);
      checkUniversal({ file, findings, parents }, annotation, index + 1);
    }
    if (annotations.length > 0 && page.name('Tabs') !== 'S')
      findings.report('UA 7.18.3-1', 'a page with annotations has not the tab order of the tags (Tabs S)', index + 1);
  }
}

function checkArchived(annotation: PdfDictionary, page: number, findings: Findings): void {
  const type = annotation.name('Subtype') ?? 'without a type';
  if (!TYPES.has(type)) findings.report('6.3.1-1', `an annotation is ${type}`, page);
  if (NEWER_TYPES.has(type)) findings.report('A1 6.5.2-1', `an annotation is ${type}`, page);
  const flags = annotation.number('F');
  if (flags === undefined && type === 'Popup') findings.report('A1 6.5.3-2', 'an annotation (Popup) has no flags F', page); // prettier-ignore
  if ((annotation.number('CA') ?? 1) !== 1)
    findings.report('A1 6.5.3-1', `an annotation (${type}) is not opaque (CA ${annotation.number('CA')})`, page);
  if (type === 'Widget' && fieldType(annotation) !== undefined && !annotation.dictionary('AP'))
    findings.report('A1 6.9-4', 'a form field has no appearance', page);
  if (flags === undefined && type !== 'Popup')
    findings.report('6.3.2-1', `an annotation (${type}) has no flags F`, page);
  const wrong = INVISIBLE | HIDDEN | NO_VIEW | TOGGLE_NO_VIEW;
  if (flags !== undefined && ((flags & PRINT) === 0 || (flags & wrong) !== 0))
    findings.report('6.3.2-2', `an annotation (${type}) is hidden or not printed (flags ${flags})`, page);
  checkAppearance(annotation, type, page, findings);
  if (type === 'Widget' && (annotation.has('A') || annotation.has('AA')))
    findings.report('6.4.1-1', 'a form field has an action', page);
}

function checkAppearance(annotation: PdfDictionary, type: string, page: number, findings: Findings): void {
  const [x1, y1, x2, y2] = annotation.list('Rect') ?? [];
  const isEmpty = x1 === x2 && y1 === y2;
  const appearance = annotation.dictionary('AP');
  if (!appearance) {
    if (type !== 'Popup' && type !== 'Link' && !isEmpty)
      findings.report('6.3.3-1', `an annotation (${type}) has no appearance`, page);
    return;
  }
  const states = [...appearance.entries.keys()];
  if (states.length !== 1 || states[0] !== 'N')
    findings.report('6.3.3-2', `an annotation (${type}) has appearances besides the normal one`, page);
  const normal = appearance.dictionary('N');
  const isButton = type === 'Widget' && inherited(annotation, 'FT') !== null && fieldType(annotation) === 'Btn';
  if (isButton && (normal === undefined || normal instanceof PdfStream))
    findings.report('6.3.3-3', 'the appearance of a button is not a dictionary of its states', page);
  if (!isButton && !(normal instanceof PdfStream))
    findings.report('6.3.3-4', `the appearance of an annotation (${type}) is not a stream`, page);
}

function fieldType(annotation: PdfDictionary): string | undefined {
  let field: PdfDictionary | undefined = annotation;
  for (let level = 0; field && level < 50; level++, field = field.dictionary('Parent'))
    if (field.has('FT')) return field.name('FT');
  return undefined;
}

interface UniversalContext {
  file: PdfFile;
  findings: Findings;
  parents: StructureParents;
}

function checkUniversal({ file, findings, parents }: UniversalContext, annotation: PdfDictionary, page: number): void {
  const type = annotation.name('Subtype') ?? '';
  if (type === 'TrapNet') findings.report('UA 7.18.2-1', 'there is a trap network annotation', page);
  const isHidden = ((annotation.number('F') ?? 0) & HIDDEN) !== 0;
  if (isHidden || type === 'Popup' || type === 'PrinterMark' || isOutside(annotation, file.pages[page - 1])) return;
  const element = parents.find(annotation.number('StructParent'));
  const tag = element && parents.standardTag(element);
  const text = (annotation.text('Contents') ?? '').trim() || (element?.text('Alt') ?? '').trim();
  const hasLanguage = file.catalog.has('Lang') || parents.hasLanguage(element);
  if (type === 'Widget') {
    if (tag !== 'Form') findings.report('UA 7.18.4-1', 'a form field is not tagged as Form', page);
    let field: PdfDictionary | undefined = annotation;
    let name = '';
    for (let level = 0; field && level < 50; level++, field = field.dictionary('Parent'))
      name ||= field.text('TU') ?? '';
    if (name === '' && !element?.has('Alt'))
      findings.report('UA 7.18.1-3', 'a form field has no name for those who do not see it (TU)', page);
    if (name !== '' && !hasLanguage)
      findings.report('UA 7.2-25', 'the language of the name of a form field is unknown', page);
    return;
  }
  if (annotation.has('Contents') && !hasLanguage)
    findings.report('UA 7.2-24', 'the language of the text of an annotation is unknown: write <html lang>', page);
  if (type === 'Link') {
    if (tag !== 'Link') findings.report('UA 7.18.5-1', 'a link is not tagged as Link', page);
    if ((annotation.text('Contents') ?? '').trim() === '') findings.report('UA 7.18.5-2', `a link has no text (Contents)${target(annotation)}`, page); // prettier-ignore
    return;
  }
  if (tag !== 'Annot') findings.report('UA 7.18.1-1', `an annotation (${type}) is not tagged as Annot`, page);
  if (text === '') findings.report('UA 7.18.1-2', `an annotation (${type}) has no text (Contents)`, page);
}

function target(link: PdfDictionary): string {
  const address = link.dictionary('A')?.text('URI');
  return address === undefined ? '' : `: ${address.slice(0, 80)}`;
}

/** Whether it is wholly beside the page. */
function isOutside(annotation: PdfDictionary, page: PdfDictionary | undefined): boolean {
  const box = page && (inherited(page, 'CropBox') ?? inherited(page, 'MediaBox'));
  const rect = annotation.list('Rect');
  if (!Array.isArray(box) || !rect) return false;
  const [left = 0, bottom = 0, right = 0, top = 0] = box.map((side) => Number(page?.resolve(side)));
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = rect.map(Number);
  return Math.max(x1, x2) < left || Math.min(x1, x2) > right || Math.max(y1, y2) < bottom || Math.min(y1, y2) > top;
}
