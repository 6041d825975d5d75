import { parseXml, type XmlElement, XmlInvalid } from '../parse-xml.ts';

/** What a property of XMP holds. */
export type XmpValue =
  | { kind: 'text'; text: string }
  | { kind: 'Bag' | 'Seq' | 'Alt'; items: { language?: string | undefined; value: XmpValue }[] }
  | { kind: 'fields'; fields: XmpProperty[] };

export interface XmpProperty {
  /** address of its schema */
  space: string;
  prefix: string;
  name: string;
  value: XmpValue;
}

const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
const XML = 'http://www.w3.org/XML/1998/namespace';

/**
 * The properties that an XMP packet has.
 * @throws XmlInvalid if it is not well-formed, or no RDF
 */
export function parseXmp(bytes: Uint8Array): XmpProperty[] {
  const root = parseXml(decodeXml(bytes));
  const rdf = isRdf(root, 'RDF') ? root : root.children.find((child) => isRdf(child, 'RDF'));
  if (!rdf) throw new XmlInvalid('it has no rdf:RDF');
  return rdf.children.flatMap((child) => {
    if (!isRdf(child, 'Description')) throw new XmlInvalid(`rdf:RDF has the element ${child.name}`);
    return fieldsOf(child);
  });
}

function decodeXml(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? 'utf-16be' : (first === 0xff && second === 0xfe) || (second === 0 && first !== 0) ? 'utf-16le' : 'utf-8'; // prettier-ignore
  return new TextDecoder(encoding).decode(withoutPadding(bytes));
}

/** Some writers fill the stream up. */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

const isRdf = ({ namespace, name }: { namespace: string; name: string }, wanted: string) =>
  namespace === RDF && name === wanted;

/** The fields of a description: its attributes, and its elements. */
function fieldsOf(element: XmlElement): XmpProperty[] {
  const short = element.attributes
    .filter(({ namespace }) => namespace !== RDF && namespace !== XML && namespace !== '')
    .map(({ namespace, prefix, name, value }): XmpProperty => ({ space: namespace, prefix, name, value: { kind: 'text', text: value } })); // prettier-ignore
  const long = element.children.map((child) => {
    if (child.namespace === '' || child.namespace === RDF) throw new XmlInvalid(`${child.name} is no property`);
    return { space: child.namespace, prefix: child.prefix, name: child.name, value: valueOf(child) };
  });
  return [...short, ...long];
}

function valueOf(element: XmlElement): XmpValue {
  const asResource = element.attributes.some((attribute) => isRdf(attribute, 'parseType') && attribute.value === 'Resource'); // prettier-ignore
  if (asResource) return withoutQualifiers(fieldsOf(element));
  const [child, second] = element.children;
  if (!child) {
    const resource = element.attributes.find((attribute) => isRdf(attribute, 'resource'));
    const short = fieldsOf(element);
    if (short.length > 0) return { kind: 'fields', fields: short };
    return { kind: 'text', text: resource?.value ?? element.text };
  }
  if (second) throw new XmlInvalid(`${element.name} has several values`);
  for (const kind of ['Bag', 'Seq', 'Alt'] as const)
    if (isRdf(child, kind)) return { kind, items: child.children.map(itemOf) };
  if (isRdf(child, 'Description')) return withoutQualifiers(fieldsOf(child));
  throw new XmlInvalid(`${element.name} has the element ${child.name}`);
}

function itemOf(item: XmlElement): { language?: string | undefined; value: XmpValue } {
  if (!isRdf(item, 'li')) throw new XmlInvalid(`a list has the element ${item.name}`);
  const language = item.attributes.find(({ namespace, name }) => namespace === XML && name === 'lang')?.value;
  return { language, value: valueOf(item) };
}

/** A value with qualifiers is written as fields, with itself as rdf:value; that one throws above, so it is not here. */
const withoutQualifiers = (fields: XmpProperty[]): XmpValue => ({ kind: 'fields', fields });
