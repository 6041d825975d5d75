import type { Findings } from './findings.ts';
import type { RuleId } from './rules.ts';
import type { XmpProperty, XmpValue } from './xmp.ts';
import type { XmpType } from './xmp-schemas.ts';

const EXTENSION = 'http://www.aiim.org/pdfa/ns/extension/';
const SCHEMA = 'http://www.aiim.org/pdfa/ns/schema#';
const PROPERTY = 'http://www.aiim.org/pdfa/ns/property#';
const TYPE = 'http://www.aiim.org/pdfa/ns/type#';
const FIELD = 'http://www.aiim.org/pdfa/ns/field#';

/** What a file says of properties that the standard does not know. */
export interface ExtensionSchemas {
  /** by the address of the schema: the type of each property */
  types: Map<string, Map<string, XmpType>>;
  /** names of structures */
  valueTypes: Set<string>;
}

/** What the entries of one kind of description may have. */
interface Kind {
  what: string;
  rule: RuleId;
  space: string;
  prefix: string;
  needs: readonly string[];
  lists: readonly string[];
}

const SCHEMAS: Kind = { what: 'an extension schema', rule: '6.6.2.3.3-2', space: SCHEMA, prefix: 'pdfaSchema', needs: ['schema', 'namespaceURI', 'prefix'], lists: ['property', 'valueType'] }; // prettier-ignore
const PROPERTIES: Kind = { what: 'a property of an extension schema', rule: '6.6.2.3.3-3', space: PROPERTY, prefix: 'pdfaProperty', needs: ['name', 'valueType', 'category', 'description'], lists: [] }; // prettier-ignore
const VALUE_TYPES: Kind = { what: 'a value type of an extension schema', rule: '6.6.2.3.3-4', space: TYPE, prefix: 'pdfaType', needs: ['type', 'namespaceURI', 'prefix', 'description'], lists: ['field'] }; // prettier-ignore
const FIELDS: Kind = { what: 'a field of an extension schema', rule: '6.6.2.3.3-5', space: FIELD, prefix: 'pdfaField', needs: ['name', 'valueType', 'description'], lists: [] }; // prettier-ignore

type Entries = ReadonlyMap<string, XmpValue>;

/** Reads and checks the extension schemas. */
export function readExtensions(properties: readonly XmpProperty[], findings: Findings): ExtensionSchemas {
  const extensions: ExtensionSchemas = { types: new Map(), valueTypes: new Set() };
  for (const { value } of properties.filter(({ space, name }) => space === EXTENSION && name === 'schemas')) {
    if (value.kind !== 'Bag') findings.report('6.6.2.3.2-1', 'the extension schemas of the XMP are not in a bag');
    for (const schema of entriesOf(value, SCHEMAS, findings)) readSchema(schema, extensions, findings);
  }
  return extensions;
}

function readSchema(schema: Entries, { types, valueTypes }: ExtensionSchemas, findings: Findings): void {
  const address = textOf(schema.get('namespaceURI')) ?? '';
  let known = types.get(address);
  if (!known) types.set(address, (known = new Map()));
  for (const type of entriesOf(schema.get('valueType'), VALUE_TYPES, findings)) {
    valueTypes.add(textOf(type.get('type')) ?? '');
    entriesOf(type.get('field'), FIELDS, findings);
  }
  for (const property of entriesOf(schema.get('property'), PROPERTIES, findings)) {
    const name = textOf(property.get('name'));
    const category = textOf(property.get('category'));
    if (category !== undefined && category !== 'internal' && category !== 'external')
      findings.report(PROPERTIES.rule, `the category of ${name} is ${category}; allowed: internal, external`);
    if (name !== undefined) known.set(name, textOf(property.get('valueType')) ?? 'Any');
  }
}

/** The entries of each description in a list. */
function entriesOf(value: XmpValue | undefined, kind: Kind, findings: Findings): Entries[] {
  const items = value && 'items' in value ? value.items.map((item) => item.value) : [];
  return items.map((item) => {
    const fields = item.kind === 'fields' ? item.fields : [];
    for (const { space, prefix, name, value: held } of fields)
      if (space !== kind.space || !(kind.needs.includes(name) || kind.lists.includes(name)))
        findings.report('6.6.2.3.3-1', `${kind.what} has the field ${prefix}:${name}`);
      else if (prefix !== kind.prefix || (kind.needs.includes(name) ? held.kind !== 'text' : held.kind !== 'Seq'))
        findings.report(kind.rule, `${prefix}:${name} of ${kind.what} has not the prefix ${kind.prefix}, or not its type`); // prettier-ignore
    const entries = new Map(fields.filter(({ space }) => space === kind.space).map(({ name, value: held }) => [name, held])); // prettier-ignore
    for (const name of kind.needs)
      if (!entries.has(name)) findings.report(kind.rule, `${kind.what} has no ${kind.prefix}:${name}`);
    return entries;
  });
}

const textOf = (value: XmpValue | undefined): string | undefined => (value?.kind === 'text' ? value.text.trim() : undefined); // prettier-ignore
