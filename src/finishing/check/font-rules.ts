import { checkComposite } from './composite-font-rules.ts';
import { isSubset } from './is-subset.ts';
import { descendantOf, readCompositeFont } from './composite-font.ts';
import type { FontEncoding } from './font-encoding.ts';
import { programStream } from './read-font-program.ts';
import type { FontUse } from './font-uses.ts';
import type { Findings } from './findings.ts';
import { latin1 } from './pdf-lexer.ts';
import type { PdfFile } from './pdf-file.ts';
import { isNumber, type PdfDictionary } from './pdf-value.ts';
import { reportFont } from './report-font.ts';
import { checkTrueType } from './true-type-rules.ts';
import { differences, readSimpleFont } from './simple-font.ts';
import { characterOf } from './glyph-names.ts';

const KINDS = new Set(['Type1', 'MMType1', 'TrueType', 'Type3', 'Type0']);
const PROGRAMS = new Set(['Type1C', 'CIDFontType0C', 'OpenType']);
const COLLECTIONS = new Set(['GB1', 'CNS1', 'Japan1', 'Korea1', 'KR']);
/** Of a width, in thousandths. */
const TOLERANCE = 1;

/** The rules about fonts that show something. */
export function checkFonts(file: PdfFile, fonts: ReadonlyMap<PdfDictionary, FontUse>, findings: Findings): void {
  for (const [font, use] of fonts) {
    checkDictionary(font, findings, use.runs[0]?.page);
    const kind = font.name('Subtype');
    if (kind === 'Type3') checkType3(file, font, use, findings);
    else if (kind === 'Type0') {
      checkComposite(file, font, use, findings);
      checkGlyphs(font, readCompositeFont(file, font), use, findings);
    } else {
      checkEmbedding(font, use, findings);
      const encoding = readSimpleFont(file, font);
      checkNames(font, encoding, findings);
      if (kind === 'TrueType' && use.isVisible) checkTrueType(font, encoding.program, findings, use.runs[0]?.page);
      checkGlyphs(font, encoding, use, findings);
    }
  }
}

function checkDictionary(font: PdfDictionary, findings: Findings, page: number | undefined): void {
  const kind = font.name('Subtype');
  const name = nameOf(font);
  if (font.name('Type') !== 'Font') findings.report('6.2.11.2-1', `the font ${name} has not the type Font`, page);
  if (!KINDS.has(kind ?? '')) findings.report('6.2.11.2-2', `the font ${name} is of the kind ${kind}`, page);
  if (kind !== 'Type3' && font.name('BaseFont') === undefined) findings.report('6.2.11.2-3', 'a font has no name', page); // prettier-ignore
  const descriptor = font.dictionary('FontDescriptor');
  const program = descriptor?.stream('FontFile3')?.name('Subtype');
  if (program !== undefined && !PROGRAMS.has(program))
    findings.report('6.2.11.2-7', `the program of the font ${name} is of the kind ${program}`, page);
  if (program === 'OpenType') findings.report('A1 6.3.2-7', `the program of the font ${name} is OpenType`, page);
  const isType1 = kind === 'Type1' || kind === 'MMType1';
  if (isType1 && isSubset(name) && descriptor?.bytes('CharSet') === undefined)
    findings.report('A1 6.3.5-2', `the font ${name} has no CharSet`, page);
  if (kind === 'Type0') return;
  const isStandard = kind === 'Type1' && !descriptor;
  if (isStandard) return;
  const [first, last] = [font.number('FirstChar'), font.number('LastChar')];
  if (first === undefined) findings.report('6.2.11.2-4', `the font ${name} has no FirstChar`, page);
  if (last === undefined) findings.report('6.2.11.2-5', `the font ${name} has no LastChar`, page);
  const widths = font.list('Widths');
  if (
    !widths ||
    (first !== undefined && last !== undefined && widths.length !== last - first + 1) ||
    !widths.every(isNumber)
  )
    // prettier-ignore
    findings.report('6.2.11.2-6', `the font ${name} has not a width for each of its characters`, page);
}

function checkEmbedding(font: PdfDictionary, use: FontUse, findings: Findings): void {
  if (use.isVisible && !programStream(font.dictionary('FontDescriptor')))
    reportFont(findings, '4.1-1', `the font ${nameOf(font)} is not embedded`, use.runs[0]?.page);
}

/** Glyphs of Type 3 are pictures: only what they are read as can be wrong. */
function checkType3(file: PdfFile, font: PdfDictionary, use: FontUse, findings: Findings): void {
  const encoding = readSimpleFont(file, font);
  const names = differences(font);
  const textOf = (code: number) => encoding.textOf(code) ?? characterOf(names.get(code) ?? '');
  checkGlyphs(font, { ...encoding, glyphOf: () => undefined, textOf }, use, findings);
}

/** A CharSet, where there is one, has all names of the program. */
function checkNames(font: PdfDictionary, { program }: FontEncoding, findings: Findings): void {
  const bytes = font.dictionary('FontDescriptor')?.bytes('CharSet');
  if (!bytes || !program?.names) return;
  const said = new Set(latin1(bytes, 0, bytes.length).split(/[\s/]/));
  const own = new Set(program.names);
  const surplus = [...said].find((name) => name !== '' && !own.has(name));
  if (surplus !== undefined) reportFont(findings, '4.2-1', `the CharSet of the font ${nameOf(font)} names ${surplus}, which it has not`); // prettier-ignore
  const missing = program.names.find((name) => name !== '.notdef' && !said.has(name));
  if (missing !== undefined) reportFont(findings, '4.2-1', `the CharSet of the font ${nameOf(font)} does not name ${missing}`); // prettier-ignore
}

/** Each code once for each page would be slow: once, at the place where it is first shown visibly, and else at all. */
function checkGlyphs(font: PdfDictionary, encoding: FontEncoding, use: FontUse, findings: Findings): void {
  /** codes that were seen, and whether they have no glyph */
  const seen = new Map<number, boolean>();
  const seenVisibly = new Set<number>();
  for (const { bytes, page, isVisible, actualText } of use.runs)
    for (const code of encoding.codesOf(bytes)) {
      const known = seen.get(code);
      const isFirst = known === undefined;
      const isMissing = known ?? encoding.glyphOf(code) === 0;
      if (isFirst) seen.set(code, isMissing);
      if (isMissing) {
        const text = encoding.textOf(code) ?? actualText;
        reportFont(findings, '8-1', `${describe(text)}${page === undefined ? '' : ` on page ${page}`} is in no font`, page); // prettier-ignore
      }
      if (isFirst) checkText(font, encoding, { code, page, actualText }, findings);
      if (!isVisible || seenVisibly.has(code)) continue;
      seenVisibly.add(code);
      if (!isMissing) checkGlyph(font, encoding, { code, page }, findings);
    }
}

function checkGlyph(
  font: PdfDictionary,
  encoding: FontEncoding,
  { code, page }: { code: number; page: number | undefined },
  findings: Findings,
): void {
  // prettier-ignore
  const glyph = encoding.glyphOf(code);
  if (glyph === undefined) return;
  if (glyph === 'absent') {
    reportFont(findings, '4.1-2', `the embedded font ${nameOf(font)} has no glyph for ${describe(encoding.textOf(code))}`, page); // prettier-ignore
    return;
  }
  const real = encoding.program?.widthOf(glyph);
  const said = encoding.widthOf(code);
  if (real !== undefined && Math.abs(real - (said ?? 0)) > TOLERANCE)
    reportFont(findings, '5-1', `${describe(encoding.textOf(code))} is ${Math.round(real)} wide in the font ${nameOf(font)}, not ${said ?? 0}`, page); // prettier-ignore
}

function checkText(
  font: PdfDictionary,
  encoding: FontEncoding,
  { code, page, actualText }: { code: number; page: number | undefined; actualText: string | undefined },
  findings: Findings,
): void {
  const text = encoding.textOf(code);
  if (text === undefined && actualText === undefined && isReadHere(font))
    findings.report('UA 7.21.7-1', `the font ${nameOf(font)} does not say as what its character ${code} is read`, page);
  if (text !== undefined && /[\0\uFEFF\uFFFE]/.test(text))
    findings.report('UA 7.21.7-2', `the font ${nameOf(font)} has text that is read as U+${hex(text)}`, page);
}

/** The texts of the standard's own maps and collections are not known here. */
function isReadHere(font: PdfDictionary): boolean {
  if (font.name('Subtype') !== 'Type0') return true;
  if (!font.name('Encoding')?.startsWith('Identity-')) return font.name('Encoding') === undefined;
  return !COLLECTIONS.has(descendantOf(font)?.dictionary('CIDSystemInfo')?.text('Ordering') ?? '');
}

const nameOf = (font: PdfDictionary): string => font.name('BaseFont') ?? font.name('Name') ?? 'without a name';
const hex = (text: string): string => (text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
const describe = (text: string | undefined): string => (text ? `the character ${text} (U+${hex(text)})` : 'a character'); // prettier-ignore
