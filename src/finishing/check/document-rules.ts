import type { Findings } from './findings.ts';
import { inherited, type PdfFile } from './pdf-file.ts';
import { isDictionary, isNumber, PdfDictionary, PdfName, PdfStream, type PdfValue } from './pdf-value.ts';
import { readNameTree } from './structure-parents.ts';

const FORBIDDEN_ACTIONS = new Set('Launch Sound Movie ResetForm ImportData Hide SetOCGState Rendition Trans GoTo3DView JavaScript SetState NoOp'.split(' ')); // prettier-ignore
const ACTIONS = new Set([...FORBIDDEN_ACTIONS, ...'GoTo GoToR GoToE Thread URI Named SubmitForm'.split(' ')]);
const NAMED_ACTIONS = new Set(['NextPage', 'PrevPage', 'FirstPage', 'LastPage']);
const MAX_INTEGER = 2_147_483_647;
const MAX_REAL = 3.403e38;
const MAX_STRING = 32_767;
const MAX_NAME = 127;
/** Of PDF 1.4. */
const OLD = { real: 32_767, string: 65_535, elements: 8_191, entries: 4_095 } as const;
/** Actions that PDF 1.4 does not know. */
const NEWER_ACTIONS = new Set(['GoToE']);
const MIN_SIDE = 3;
const MAX_SIDE = 14_400;
const BOXES = ['MediaBox', 'CropBox', 'BleedBox', 'TrimBox', 'ArtBox'];

/** The rules about the document as a whole: actions, forms, files in it, optional content, limits. */
export function checkDocument(file: PdfFile, findings: Findings): void {
  const { catalog } = file;
  for (const [number, value] of file.objects()) checkObject(value, number, findings);
  for (const [index, page] of file.pages.entries()) checkPage(page, index + 1, findings);
  if (catalog.has('AA')) findings.report('6.5.2-1', 'the document has additional actions');
  if (catalog.has('OCProperties')) findings.report('A1 6.1.13-1', 'there is optional content');
  if (catalog.dictionary('Names')?.has('EmbeddedFiles'))
    findings.report('A1 6.1.11-2', 'there is a list of embedded files');
  if (catalog.dictionary('Names')?.has('AlternatePresentations'))
    findings.report('6.10-1', 'the document has alternate presentations');
  if (catalog.has('Requirements')) findings.report('6.11-1', 'the document has requirements');
  checkForm(catalog, findings);
  checkOptionalContent(catalog, findings);
  checkPermissions(catalog, findings);
  if (catalog.dictionary('ViewerPreferences')?.get('DisplayDocTitle') !== true)
    findings.report('UA 7.1-10', 'viewers do not show the title (DisplayDocTitle)');
  if (catalog.dictionary('MarkInfo')?.get('Suspects') === true) findings.report('UA 7.1-4', 'the tags are suspect');
  if (catalog.dictionary('MarkInfo')?.get('Marked') !== true)
    findings.report('UA 7.1-12', 'the document does not say that it is tagged (Marked)');
  if (!catalog.dictionary('StructTreeRoot')) findings.report('UA 7.1-11', 'the document is not tagged');
  if (catalog.dictionary('Outlines')?.has('First') && !catalog.has('Lang'))
    findings.report('UA 7.2-2', 'the language of the bookmarks is unknown: write <html lang>');
  checkFiles(file, findings);
}

function checkPage(page: PdfDictionary, number: number, findings: Findings): void {
  if (page.has('AA')) findings.report('6.5.2-2', 'a page has additional actions', number);
  if (page.has('PresSteps')) findings.report('6.10-2', 'a page has steps of a presentation', number);
  for (const name of BOXES) {
    const box = inherited(page, name);
    if (!Array.isArray(box)) continue;
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box.map((side) => Number(page.resolve(side)));
    for (const side of [Math.abs(x2 - x1), Math.abs(y2 - y1)])
      if (side < MIN_SIDE || side > MAX_SIDE)
        findings.report(
          '6.1.13-11',
          `a side of ${name} is ${side} points; allowed: ${MIN_SIDE} to ${MAX_SIDE}`,
          number,
        );
  }
}

/** An object with what is written in it; what it refers to is an object of its own. */
function checkObject(value: PdfValue, number: number, findings: Findings): void {
  const open: PdfValue[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isNumber(next)) checkNumber(next, number, findings);
    else if (next instanceof Uint8Array) checkString(next, number, findings);
    else if (next instanceof PdfName) checkName(next.text, number, findings);
    else if (Array.isArray(next)) {
      if (next.length > OLD.elements)
        findings.report('A1 6.1.12-5', `an array of object ${number} has ${next.length} elements; allowed: ${OLD.elements}`); // prettier-ignore
      for (const each of next) open.push(each);
    } else if (next instanceof PdfDictionary) {
      if (next.entries.size > OLD.entries)
        findings.report('A1 6.1.12-6', `a dictionary of object ${number} has ${next.entries.size} entries; allowed: ${OLD.entries}`); // prettier-ignore
      if (next instanceof PdfStream && next.name('Type') === 'Metadata' && next.has('Filter'))
        findings.report('A1 6.7.2-2', `the metadata of object ${number} are compressed`);
      for (const [key, each] of next.entries) {
        checkName(key, number, findings);
        open.push(each);
      }
      checkAction(next, findings);
      if (next.has('EF')) checkFileSpecification(next, findings);
    }
  }
}

function checkString(value: Uint8Array, number: number, findings: Findings): void {
  for (const [rule, most] of [['6.1.13-4', MAX_STRING], ['A1 6.1.12-3', OLD.string]] as const)
    if (value.length > most)
      findings.report(rule, `a string of object ${number} has ${value.length} bytes; allowed: ${most}`);
} // prettier-ignore

function checkNumber(value: number, number: number, findings: Findings): void {
  if (isLargeReal(value)) findings.report('A1 6.1.12-2', `object ${number} has the number ${value}`);
  if (Math.abs(value) > MAX_REAL) findings.report('6.1.13-2', `object ${number} has the number ${value}`);
  else if (Number.isInteger(value) && (value > MAX_INTEGER || value < -MAX_INTEGER - 1))
    findings.report('6.1.13-1', `object ${number} has the integer ${value}`);
}

/** Whether it is a number with a fraction that PDF 1.4 has not. */
export const isLargeReal = (value: number) => Math.abs(value) > OLD.real && !Number.isInteger(value);

function checkName(name: string, number: number, findings: Findings): void {
  if (name.length > MAX_NAME) findings.report('6.1.13-5', `a name of object ${number} has ${name.length} bytes`);
}

function checkAction(value: PdfDictionary, findings: Findings): void {
  for (const [, action] of value.dictionary('AA')?.dictionaries() ?? []) {
    const kind = action.name('S') ?? '';
    if (FORBIDDEN_ACTIONS.has(kind) || NEWER_ACTIONS.has(kind))
      findings.report('A1 6.6.1-1', `there is an action ${kind}`);
  }
  for (const key of ['A', 'OpenAction', 'Next'])
    for (const action of value.has(key) ? value.all(key).filter(isDictionary) : []) {
      const kind = action.name('S');
      if (kind === undefined) continue;
      if (NEWER_ACTIONS.has(kind)) findings.report('A1 6.6.1-1', `there is an action ${kind}`);
      const isStructure = key === 'A' && value.name('Type') === 'StructElem';
      if (isStructure) continue;
      if (FORBIDDEN_ACTIONS.has(kind) || !ACTIONS.has(kind)) findings.report('6.5.1-1', `there is an action ${kind}`);
      const named = action.name('N') ?? '';
      if (kind === 'Named' && !NAMED_ACTIONS.has(named))
        findings.report('6.5.1-2', `there is the named action ${named}`);
    }
  if (value.has('FT') && value.has('AA')) findings.report('6.4.1-2', 'a form field has additional actions');
}

function checkForm(catalog: PdfDictionary, findings: Findings): void {
  const form = catalog.dictionary('AcroForm');
  if (form?.get('NeedAppearances') === true) findings.report('6.4.1-3', 'the form has NeedAppearances');
  if (form?.has('XFA')) findings.report('6.4.2-1', 'there is an XFA form');
  if (catalog.get('NeedsRendering') === true) {
    findings.report('6.4.2-2', 'the document has NeedsRendering');
    findings.report('UA 7.15-1', 'there is a dynamic XFA form');
  }
}

function checkOptionalContent(catalog: PdfDictionary, findings: Findings): void {
  const optional = catalog.dictionary('OCProperties');
  if (!optional) return;
  const configurations = [optional.get('D'), ...optional.all('Configs')].filter(isDictionary);
  const names = new Set<string>();
  const groups = optional.list('OCGs')?.filter(isDictionary) ?? [];
  for (const configuration of configurations) {
    const name = configuration.text('Name') ?? '';
    if (name === '') findings.report('6.9-1', 'a configuration of optional content has no name');
    if (name === '') findings.report('UA 7.10-1', 'a configuration of optional content has no name');
    if (names.has(name)) findings.report('6.9-2', `two configurations of optional content have the name ${name}`);
    names.add(name);
    if (configuration.has('AS')) {
      findings.report('6.9-4', 'optional content changes by itself (AS)');
      findings.report('UA 7.10-2', 'optional content changes by itself (AS)');
    }
    const order = configuration.list('Order');
    if (order && groups.some((group) => !holds(order, group)))
      findings.report('6.9-3', 'the order of optional content does not list all of it');
  }
}

function holds(list: readonly PdfValue[], wanted: PdfDictionary, depth = 0): boolean {
  if (depth > 20) return false;
  return list.some((value) => {
    const found = wanted.resolve(value);
    return found === wanted || (Array.isArray(found) && holds(found, wanted, depth + 1));
  });
}

function checkPermissions(catalog: PdfDictionary, findings: Findings): void {
  const permissions = catalog.dictionary('Perms');
  if (!permissions) return;
  for (const key of permissions.entries.keys())
    if (key !== 'UR3' && key !== 'DocMDP') findings.report('6.1.12-1', `the permissions have the entry ${key}`);
  if (!permissions.has('DocMDP')) return;
  for (const reference of permissions.dictionary('DocMDP')?.all('Reference').filter(isDictionary) ?? [])
    for (const key of ['DigestLocation', 'DigestMethod', 'DigestValue'])
      if (reference.has(key)) findings.report('6.1.12-2', `a signature that certifies has ${key}`);
}

function checkFileSpecification(specification: PdfDictionary, findings: Findings): void {
  const name = specification.text('UF') ?? specification.text('F') ?? 'without a name';
  for (const key of ['F', 'UF'])
    if (!specification.has(key))
      for (const rule of ['A2 6.8-1', 'A3 6.8-2', 'UA 7.11-1'] as const)
        findings.report(rule, `the embedded file ${name} has no ${key}`);
  if (!specification.name('AFRelationship'))
    findings.report('A3 6.8-3', `the embedded file ${name} has no AFRelationship`);
  const stream = specification.dictionary('EF')?.dictionary('F') ?? specification.dictionary('EF')?.dictionary('UF');
  if (!/^[^/\s]+\/[^/\s]+$/.test(stream?.name('Subtype') ?? ''))
    findings.report('A3 6.8-1', `the embedded file ${name} has no media type (Subtype)`);
  findings.report('A1 6.1.11-1', `there is the embedded file ${name}; allowed with PDF/A-3b`);
  findings.report('A2 6.8-5', `there is the embedded file ${name}; allowed with PDF/A-3b`);
}

/** Every embedded file is associated with something. */
function checkFiles(file: PdfFile, findings: Findings): void {
  if (!findings.asksFor('A3 6.8-4')) return;
  const associated = new Set<PdfValue>();
  const specifications = new Set<PdfDictionary>(
    readNameTree(file.catalog.dictionary('Names')?.dictionary('EmbeddedFiles')).filter(isDictionary),
  );
  for (const [, value] of file.objects()) {
    if (!(value instanceof PdfDictionary)) continue;
    for (const each of value.has('AF') ? value.all('AF') : []) associated.add(each);
    if (value.has('EF')) specifications.add(value);
  }
  for (const each of specifications)
    if (!associated.has(each))
      findings.report('A3 6.8-4', `the embedded file ${each.text('UF') ?? each.text('F') ?? ''} is in no AF`);
}
