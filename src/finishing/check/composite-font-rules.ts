import { readCodeMap } from './character-map.ts';
import { descendantOf } from './composite-font.ts';
import type { Findings } from './findings.ts';
import { identifiersIn } from './font-program.ts';
import { programStream, readProgram } from './read-font-program.ts';
import { isSubset } from './is-subset.ts';
import type { FontUse } from './font-uses.ts';
import type { PdfFile } from './pdf-file.ts';
import { type PdfDictionary, PdfStream } from './pdf-value.ts';
import { reportFont } from './report-font.ts';

/** Beginnings and ends of the names of the standard's CMaps. */
const STANDARD_MAP = /^(?:Identity-[HV]|(?:GB|GBK|GBKp|GBK2K|GBpc|UniGB|B5pc|HKscs|ETen|ETenms|CNS|UniCNS|83pv|90ms|90msp|90pv|Add|EUC|Ext|UniJIS|UniJIS2004|UniJISX0213|UniJISX02132004|UniJISPro|KSC|KSCms|KSCpc|UniKS)(?:-[A-Za-z0-9]{1,8}){0,4}|[HV])$/; // prettier-ignore
const IDENTITY = /^Identity-[HV]$/;
const MAX_IDENTIFIER = 65_535;

/** The rules about composite fonts as such. */
export function checkComposite(file: PdfFile, font: PdfDictionary, use: FontUse, findings: Findings): void {
  const descendant = descendantOf(font);
  const page = use.runs[0]?.page;
  const name = font.name('BaseFont') ?? 'without a name';
  const descriptor = descendant?.dictionary('FontDescriptor');
  const stream = programStream(descriptor);
  if (use.isVisible && !stream) reportFont(findings, '4.1-1', `the font ${name} is not embedded`, page);
  const map = descendant?.get('CIDToGIDMap') ?? null;
  const hasMap = map instanceof PdfStream || descendant?.name('CIDToGIDMap') === 'Identity';
  if (descendant?.name('Subtype') === 'CIDFontType2' && stream && !hasMap)
    reportFont(findings, '3.2-1', `the font ${name} has no CIDToGIDMap`, page);
  checkMap(file, font, findings, page);
  const set = descriptor?.stream('CIDSet');
  if (!set && stream && isSubset(descendant?.name('BaseFont') ?? name))
    findings.report('A1 6.3.5-3', `the font ${name} has no CIDSet`, page);
  const program = set && readProgram(file, descriptor);
  const places = map instanceof PdfStream ? file.content(map) : undefined;
  if (set && program) checkSet(file.content(set), identifiersIn(program, places), { name, page }, findings);
}

function checkMap(file: PdfFile, font: PdfDictionary, findings: Findings, page: number | undefined): void {
  const name = font.name('BaseFont') ?? 'without a name';
  const encoding = font.get('Encoding');
  if (!(encoding instanceof PdfStream)) {
    const own = font.name('Encoding') ?? '';
    const message = `the CMap ${font.name('Encoding')} of the font ${name} is not embedded`;
    if (!STANDARD_MAP.test(own)) reportFont(findings, '3.3-1', message, page);
    else if (!IDENTITY.test(own)) findings.report('A1 6.3.3.3-1', message, page);
    return;
  }
  const map = readCodeMap(file.content(encoding));
  if (map.writingMode !== undefined && map.writingMode !== (encoding.number('WMode') ?? 0))
    reportFont(findings, '3.3-2', `the CMap of the font ${name} has the writing mode ${map.writingMode}, but its dictionary says ${encoding.number('WMode') ?? 0}`, page); // prettier-ignore
  const other = encoding.name('UseCMap') ?? encoding.stream('UseCMap')?.name('CMapName');
  if (other !== undefined && !STANDARD_MAP.test(other))
    reportFont(findings, '3.3-3', `the CMap of the font ${name} uses the CMap ${other}`, page);
  else if (other !== undefined && !IDENTITY.test(other))
    findings.report('A1 6.3.3.3-1', `the CMap of the font ${name} uses the CMap ${other}`, page);
  if (map.largest > MAX_IDENTIFIER) findings.report('6.1.13-10', `the CMap of the font ${name} has the character ${map.largest}`, page); // prettier-ignore
  const [said, own] = [encoding, descendantOf(font)].map((each) => collectionOf(each?.dictionary('CIDSystemInfo')));
  if (said !== own) reportFont(findings, '3.1-1', `the font ${name} is of the collection ${own}, its CMap of ${said}`, page); // prettier-ignore
}

const collectionOf = (info: PdfDictionary | undefined) => info && `${info.text('Registry')}-${info.text('Ordering')}`;

function checkSet(
  set: Uint8Array,
  all: readonly number[],
  { name, page }: { name: string; page: number | undefined },
  findings: Findings,
): void {
  // prettier-ignore
  const has = (identifier: number) => (((set[identifier >> 3] ?? 0) >> (7 - (identifier & 7))) & 1) === 1;
  if (!all.every(has)) reportFont(findings, '4.2-2', `the CIDSet of the font ${name} does not name all of its glyphs`, page); // prettier-ignore
}
