import { type Conformance, type FacturxLevel, isArchive } from '../../domain/finishing.ts';
import type { XmpProperty } from '../check/xmp.ts';
import type { Info } from './info.ts';
import { facturxFile } from './facturx-levels.ts';
import { escapeXml as escape, propertyXml } from './kept-xmp.ts';
import { formatXmpDate } from './pdf-date.ts';

/** Of entries of the Info dictionary that have no name elsewhere. */
export const PDFX = 'http://ns.adobe.com/pdfx/1.3/';
export const FACTURX_SCHEMA = 'urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#';

/** What a PDF claims to be. */
export interface Claims {
  conformance: readonly Conformance[];
  facturx?: FacturxClaim | undefined;
}

/** What a hybrid document says of the XML in it. Absent: of an invoice, by version 1.0. */
export interface FacturxClaim {
  level: FacturxLevel;
  documentType?: string | undefined;
  version?: string | undefined;
}

/** Names of one namespace and their values, as XML. */
interface Schema {
  prefix: string;
  uri: string;
  values: [name: string, xml: string][];
  /** PDF/A wants a description of schemas that it does not know */
  extension?: {
    name: string;
    category: 'internal' | 'external';
    valueType?: string | ((name: string) => string);
    about: (name: string) => string;
  };
}

/** An element for each entry of a schema. */
const element = (name: string, xml: string) => `<${name}>${xml}</${name}>`;
const list = (kind: 'Seq' | 'Bag', items: readonly string[]) =>
  element(`rdf:${kind}`, items.map((item) => element('rdf:li', escape(item))).join(''));
const inAnyLanguage = (text: string) => element('rdf:Alt', `<rdf:li xml:lang="x-default">${escape(text)}</rdf:li>`);

/**
 * The XMP packet that says what the Info dictionary says, and what the PDF claims.
 * @param keptOf what else it says, by whether a property is written here. PDF/A allows only what it describes
 */
export function writeXmp(
  info: Info,
  claims: Claims,
  keptOf: (isWritten: (property: XmpProperty) => boolean) => readonly XmpProperty[] = () => [],
): Uint8Array {
  const hasArchive = claims.conformance.some(isArchive);
  const schemas = [...schemasOf(info, { hasArchive }), ...claimsOf(claims)].filter(({ values }) => values.length > 0);
  const descriptions = schemas.map(({ prefix, uri, values }) => {
    const elements = values.map(([name, xml]) => element(`${prefix}:${name}`, xml)).join('');
    return `<rdf:Description rdf:about="" xmlns:${prefix}="${uri}">${elements}</rdf:Description>`;
  });
  const extensions = hasArchive ? schemas.filter(({ extension }) => extension) : [];
  if (extensions.length > 0) descriptions.push(describe(extensions));
  const isWritten = ({ space, name }: XmpProperty) =>
    schemas.some(({ uri, values }) => uri === space && values.some(([written]) => written === name));
  const kept = hasArchive ? [] : keptOf(isWritten);
  if (kept.length > 0)
    descriptions.push(`<rdf:Description rdf:about="">${kept.map(propertyXml).join('')}</rdf:Description>`);
  const packet = `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
${descriptions.join('\n')}
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>`;
  return new TextEncoder().encode(packet);
}

function schemasOf(info: Info, { hasArchive }: { hasArchive: boolean }): Schema[] {
  const given = (...entries: [name: string, value: string | undefined, write: (value: string) => string][]) =>
    entries.flatMap(([name, value, write]): [string, string][] => (value === undefined ? [] : [[name, write(value)]]));
  const listed = new Set([...info.lists.keys()].map(xmlName));
  return [
    {
      prefix: 'dc',
      uri: 'http://purl.org/dc/elements/1.1/',
      values: given(
        ['format', 'application/pdf', escape],
        ['title', info.title, inAnyLanguage],
        ['creator', info.author, (author) => list('Seq', [author])],
        ['description', info.subject, inAnyLanguage],
        ['subject', info.keywords, (keywords) => list('Bag', keywordsOf(keywords))],
      ),
    },
    {
      prefix: 'xmp',
      uri: 'http://ns.adobe.com/xap/1.0/',
      values: given(
        ['CreateDate', formatXmpDate(info.created), escape],
        ['ModifyDate', formatXmpDate(info.modified), escape],
        ['CreatorTool', info.creator, escape],
      ),
    },
    {
      prefix: 'pdf',
      uri: 'http://ns.adobe.com/pdf/1.3/',
      values: given(
        ['Keywords', info.keywords, escape],
        ['Producer', info.producer, escape],
        ['Trapped', hasArchive ? undefined : info.trapped, escape],
      ),
    },
    {
      prefix: 'pdfx',
      uri: PDFX,
      values: info.custom.map(([name, value]) => [xmlName(name), customXml(info.lists.get(name) ?? value)]),
      extension: { name: 'Entries of the Info dictionary', category: 'external', valueType: (name) => (listed.has(name) ? 'bag Text' : 'Text'), about: (name) => `${name}, as the author wrote it` }, // prettier-ignore
    },
  ];
}

const customXml = (value: string | readonly string[]) =>
  typeof value === 'string' ? escape(value) : list('Bag', value);

/** Info has one text for all keywords. */
export const keywordsOf = (text: string): string[] =>
  text
    .split(text.includes(';') ? ';' : ',')
    .map((keyword) => keyword.trim())
    .filter((keyword) => keyword !== '');

/** A name for XML: what it may not have becomes ↂ and four digits, as in Adobe's programs. */
export const xmlName = (name: string): string =>
  Array.from({ length: name.length }, (_, index) => {
    const isAllowed = index === 0 ? /[a-zA-Z_]/ : /[\w.-]/;
    const unit = name.charAt(index);
    return isAllowed.test(unit) ? unit : `\u2182${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  }).join('');

/** The name that became such a name. */
export const originalName = (name: string): string =>
  name.replaceAll(/\u2182([0-9A-F]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

const ABOUT_FACTURX: Record<string, string> = {
  DocumentType: 'The type of the hybrid document in capital letters, e.g. INVOICE or ORDER',
  DocumentFileName: 'The name of the embedded XML document',
  Version: 'The version of the XML schema of the embedded XML document',
  ConformanceLevel: 'The conformance level of the embedded XML document',
};

function claimsOf({ conformance, facturx }: Claims): Schema[] {
  const archive = conformance.find(isArchive);
  return [
    {
      prefix: 'pdfaid',
      uri: 'http://www.aiim.org/pdfa/ns/id/',
      values: archive ? [['part', archive.charAt(6)], ['conformance', 'B']] : [],
    },
    {
      prefix: 'pdfuaid',
      uri: 'http://www.aiim.org/pdfua/ns/id/',
      values: conformance.includes('PDF/UA-1') ? [['part', '1']] : [],
      extension: { name: 'PDF/UA identification schema', category: 'internal', valueType: 'Integer', about: () => 'Part of ISO 14289 that the document conforms to' }, // prettier-ignore
    },
    {
      prefix: 'fx',
      uri: FACTURX_SCHEMA,
      values: facturx ? [['DocumentType', escape(facturx.documentType ?? 'INVOICE')], ['DocumentFileName', facturxFile(facturx.level).name], ['Version', escape(facturx.version ?? '1.0')], ['ConformanceLevel', facturx.level]] : [],
      extension: { name: 'Factur-X PDFA Extension Schema', category: 'external', about: (name) => ABOUT_FACTURX[name] ?? '' }, // prettier-ignore
    },
  ]; // prettier-ignore
}

const valueTypeOf = (name: string, { valueType = 'Text' }: Partial<NonNullable<Schema['extension']>> = {}) =>
  typeof valueType === 'string' ? valueType : valueType(name);

function describe(schemas: readonly Schema[]): string {
  const resource = (xml: string) => `<rdf:li rdf:parseType="Resource">${xml}</rdf:li>`;
  const described = schemas.map(({ prefix, uri, values, extension }) => {
    const properties = values.map(([name]) =>
      resource(
        element('pdfaProperty:name', name) +
          element('pdfaProperty:valueType', valueTypeOf(name, extension)) +
          element('pdfaProperty:category', extension?.category ?? 'external') +
          element('pdfaProperty:description', extension?.about(name) ?? ''),
      ),
    );
    return resource(
      element('pdfaSchema:schema', extension?.name ?? '') +
        element('pdfaSchema:namespaceURI', uri) +
        element('pdfaSchema:prefix', prefix) +
        element('pdfaSchema:property', element('rdf:Seq', properties.join(''))),
    );
  });
  return `<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>${described.join('')}</rdf:Bag></pdfaExtension:schemas></rdf:Description>`;
}
