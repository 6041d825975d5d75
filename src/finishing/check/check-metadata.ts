import { type Conformance, isArchive } from '../../domain/finishing.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Findings } from './findings.ts';
import type { PdfFile } from './pdf-file.ts';
import { latin1 } from './pdf-lexer.ts';
import { parseXmp, type XmpProperty, type XmpValue } from './xmp.ts';
import { checkInfo } from './check-info.ts';
import { checkSchemas } from './check-schemas.ts';

const PDFA_ID = 'http://www.aiim.org/pdfa/ns/id/';
const PDFUA_ID = 'http://www.aiim.org/pdfua/ns/id/';
const DC = 'http://purl.org/dc/elements/1.1/';

/** What the file says of itself in its XMP. */
export interface Identification {
  /** `3b`, as XMP says it */
  archive?: { part: string; level: string };
  /** part of PDF/UA */
  universal?: string;
}

/** The properties of the document's XMP. @throws XmlInvalid */
function documentXmp(file: PdfFile): XmpProperty[] | undefined {
  const stream = file.catalog.stream('Metadata');
  return stream && parseXmp(file.content(stream));
}

/** @returns nothing if there is no XMP, or it cannot be read */
export function identify(file: PdfFile): Identification {
  try {
    return identificationOf(documentXmp(file) ?? []);
  } catch {
    return {};
  }
}

export function identificationOf(properties: readonly XmpProperty[]): Identification {
  const find = (space: string, name: string) => textOf(propertyOf(properties, space, name)?.value);
  const part = find(PDFA_ID, 'part');
  const universal = find(PDFUA_ID, 'part');
  return {
    ...(part !== undefined && { archive: { part, level: find(PDFA_ID, 'conformance') ?? '' } }),
    ...(universal !== undefined && { universal }),
  };
}

/** Of what a file claims, that which can be checked. Levels A and U ask for all that B does, and for more. */
export function checkable({ archive, universal }: Identification): Conformance[] {
  return [
    ...(archive?.part === '1' ? (['PDF/A-1b'] as const) : []),
    ...(archive?.part === '2' ? (['PDF/A-2b'] as const) : []),
    ...(archive?.part === '3' ? (['PDF/A-3b'] as const) : []),
    ...(universal === '1' ? (['PDF/UA-1'] as const) : []),
  ];
}

/** The rules about the metadata of the document. */
export function checkMetadata(file: PdfFile, findings: Findings): void {
  const stream = file.catalog.stream('Metadata');
  if (!stream) {
    findings.report('6.6.2.1-1', 'the document has no XMP');
    findings.report('UA 7.1-8', 'the document has no XMP');
    return;
  }
  checkPacket(file.content(stream), findings);
  let properties: XmpProperty[];
  try {
    properties = parseXmp(file.content(stream));
  } catch (error) {
    findings.report('6.6.2.1-4', `the XMP is not well-formed: ${messageOf(error)}`);
    findings.report('UA 7.1-8', `the XMP is not well-formed: ${messageOf(error)}`);
    return;
  }
  checkIdentification(properties, findings);
  checkTitle(file, properties, findings);
  checkSchemas(properties, findings);
  checkInfo(file, properties, findings);
}

function checkPacket(content: Uint8Array, findings: Findings): void {
  const header = latin1(content, 0, Math.min(content.length, 300));
  const start = header.indexOf('<?xpacket');
  const attributes = start < 0 ? '' : header.slice(start, Math.max(start, header.indexOf('?>', start)));
  if (/\sbytes\s*=/.test(attributes)) findings.report('6.6.2.1-2', 'the XMP packet says its bytes');
  if (/\sencoding\s*=/.test(attributes)) findings.report('6.6.2.1-3', 'the XMP packet says its encoding');
}

function checkIdentification(properties: readonly XmpProperty[], findings: Findings): void {
  const part = propertyOf(properties, PDFA_ID, 'part');
  const level = propertyOf(properties, PDFA_ID, 'conformance');
  if (!part) findings.report('6.6.4-1', 'the XMP does not say pdfaid:part');
  const wanted = findings.claims.find(isArchive)?.at(-2);
  if (part && textOf(part.value) !== wanted)
    findings.report('6.6.4-2', `pdfaid:part is ${textOf(part.value)}, not ${wanted}`);
  if (!level || !/^[ABU]$/.test(textOf(level.value) ?? ''))
    findings.report('6.6.4-3', `pdfaid:conformance is ${level ? textOf(level.value) : 'missing'}; allowed: A, B, U`);
  if (level && textOf(level.value) === 'U') findings.report('A1 6.7.11-3', 'pdfaid:conformance is U; allowed: A, B');
  for (const { prefix, name } of [part, level].filter((each) => each !== undefined))
    if (prefix !== 'pdfaid') findings.report('6.6.4-4', `${name} has the prefix ${prefix}, not pdfaid`);
  const universal = propertyOf(properties, PDFUA_ID, 'part');
  if (textOf(universal?.value) !== '1')
    findings.report('UA 5-1', universal ? `pdfuaid:part is ${textOf(universal.value)}, not 1` : 'the XMP does not say pdfuaid:part'); // prettier-ignore
}

function checkTitle(file: PdfFile, properties: readonly XmpProperty[], findings: Findings): void {
  const title = propertyOf(properties, DC, 'title');
  const value = title?.value;
  const hasTitle = value?.kind === 'text' ? value.text.trim() !== '' : value?.kind === 'Alt' && value.items.length > 0;
  if (!hasTitle) findings.report('UA 7.1-9', 'the document has no title: write a <title>, or properties.title');
  const hasLanguage = file.catalog.has('Lang');
  const items = value?.kind === 'Alt' ? value.items : [];
  if (!hasLanguage && items.some(({ language }) => language === undefined || language === 'x-default'))
    findings.report('UA 7.2-33', 'the language of the title is unknown: write <html lang>');
}

const propertyOf = (properties: readonly XmpProperty[], space: string, name: string) =>
  properties.find((property) => property.space === space && property.name === name);

const textOf = (value: XmpValue | undefined): string | undefined => (value?.kind === 'text' ? value.text.trim() : undefined); // prettier-ignore
