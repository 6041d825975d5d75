import { parseIsoDate, parsePdfDate } from '../archive/pdf-date.ts';
import type { Findings } from './findings.ts';
import type { PdfFile } from './pdf-file.ts';
import type { RuleId } from './rules.ts';
import type { XmpProperty, XmpValue } from './xmp.ts';

const DC = 'http://purl.org/dc/elements/1.1/';
const XMP = 'http://ns.adobe.com/xap/1.0/';
const PDF = 'http://ns.adobe.com/pdf/1.3/';

/** Entries of the Info dictionary, and where XMP says the same. */
const TWINS: readonly [entry: string, rule: RuleId, space: string, name: string][] = [
  ['CreationDate', 'A1 6.7.3-1', XMP, 'CreateDate'],
  ['Title', 'A1 6.7.3-2', DC, 'title'],
  ['Author', 'A1 6.7.3-3', DC, 'creator'],
  ['Subject', 'A1 6.7.3-4', DC, 'description'],
  ['Keywords', 'A1 6.7.3-5', PDF, 'Keywords'],
  ['Creator', 'A1 6.7.3-6', XMP, 'CreatorTool'],
  ['Producer', 'A1 6.7.3-7', PDF, 'Producer'],
  ['ModDate', 'A1 6.7.3-8', XMP, 'ModifyDate'],
];

/** The rules of PDF/A-1 about the Info dictionary: XMP says all that it does. */
export function checkInfo(file: PdfFile, properties: readonly XmpProperty[], findings: Findings): void {
  const info = file.trailer.dictionary('Info');
  for (const [entry, rule, space, name] of info ? TWINS : []) {
    const said = info?.text(entry);
    if (said === undefined) continue;
    const property = properties.find((each) => each.space === space && each.name === name);
    const other = property && oneText(property.value);
    const isSame = entry.endsWith('Date') ? isSameTime(said, other) : said === other;
    if (!isSame) findings.report(rule, `${entry} of the Info dictionary is not what ${name} of the XMP says`);
  }
}

/** The text of a property, or its only one; of several languages that of the default. */
function oneText(value: XmpValue): string | undefined {
  if (value.kind === 'text') return value.text;
  if (value.kind === 'fields') return undefined;
  const usual = value.items.find(({ language }) => language === 'x-default');
  const only = value.kind === 'Alt' ? (usual ?? value.items[0]) : value.items.length === 1 ? value.items[0] : undefined;
  return only?.value.kind === 'text' ? only.value.text : undefined;
}

function isSameTime(said: string, other: string | undefined): boolean {
  const isZoned = other === undefined || !other.includes('T') || /(?:Z|[+-]\d\d:?\d\d)$/.test(other);
  const [one, two] = [parsePdfDate(said), other === undefined ? undefined : parseIsoDate(isZoned ? other : `${other}Z`)]; // prettier-ignore
  return one !== undefined && two !== undefined && one.time === two.time;
}
