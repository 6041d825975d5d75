import type { Findings } from './findings.ts';
import { type ExtensionSchemas, readExtensions } from './extension-schemas.ts';
import type { XmpProperty, XmpValue } from './xmp.ts';
import { NEWER_PROPERTIES, XMP_SCHEMAS, type XmpType } from './xmp-schemas.ts';

/** Forms of the types that are one text. */
const FORMS: Readonly<Record<string, RegExp>> = {
  Integer: /^[+-]?\d+$/,
  Real: /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/,
  Rational: /^[+-]?\d+\/[+-]?\d+$/,
  Boolean: /^(?:True|False)$/,
  Date: /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/,
};
const LISTS = { bag: 'Bag', seq: 'Seq', alt: 'Alt' } as const;
/** Types of texts and of structures that have names of their own in the standard. */
const TEXTS = new Set(['text', 'propername', 'uri', 'url', 'mimetype', 'agentname', 'locale', 'xpath', 'choice', 'open choice', 'closed choice', 'guid', 'renditionclass', 'gpscoordinate']); // prettier-ignore

/** The rules about properties of XMP: each is of the standard, or described by the file itself. */
export function checkSchemas(properties: readonly XmpProperty[], findings: Findings): void {
  const extensions = readExtensions(properties, findings);
  for (const property of properties) checkProperty(property, extensions, findings);
}

function checkProperty(
  { space, prefix, name, value }: XmpProperty,
  extensions: ExtensionSchemas,
  findings: Findings,
): void {
  // prettier-ignore
  const type = XMP_SCHEMAS.get(space)?.get(name) ?? extensions.types.get(space)?.get(name);
  if (NEWER_PROPERTIES.get(space)?.(name) && !extensions.types.get(space)?.has(name))
    findings.report('A1 6.7.9-2', `the property ${prefix}:${name} is of a later version of XMP than that of 2004`);
  if (type === undefined)
    findings.report('6.6.2.3.1-1', `the property ${prefix}:${name} of the XMP is neither of the standard nor described by an extension schema`); // prettier-ignore
  else if (!isOf(value, type, extensions))
    findings.report('6.6.2.3.1-2', `the property ${prefix}:${name} of the XMP is not of the type ${type}`);
}

function isOf(value: XmpValue, type: XmpType, extensions: ExtensionSchemas): boolean {
  if (type === 'Any') return true;
  if (/^lang alt$/i.test(type)) return value.kind === 'Alt' && value.items.every((item) => item.value.kind === 'text');
  const list = /^(bag|seq|alt)(?: (.+))?$/i.exec(type);
  if (list) {
    const kind = LISTS[(list[1] ?? '').toLowerCase() as keyof typeof LISTS];
    return value.kind === kind && value.items.every((item) => isOf(item.value, list[2] ?? 'Any', extensions));
  }
  const form = FORMS[type.charAt(0).toUpperCase() + type.slice(1)];
  if (form) return value.kind === 'text' && form.test(value.text.trim());
  if (type === 'Fields') return value.kind === 'fields';
  const isText = TEXTS.has(type.toLowerCase()) || /^(?:open |closed )?choice/i.test(type);
  if (isText) return value.kind === 'text';
  if (extensions.valueTypes.has(type)) return value.kind === 'fields';
  return STRUCTURES.has(type) ? value.kind === 'fields' : false;
}

/** Structures of the standard. */
const STRUCTURES = new Set(['Dimensions', 'Thumbnail', 'ResourceEvent', 'ResourceRef', 'Version', 'Job', 'Colorant', 'Font', 'Flash', 'OECF/SFR', 'CFAPattern', 'DeviceSettings', 'ProjectLink', 'Media', 'Marker', 'Time', 'Timecode', 'beatSpliceStretch', 'resampleParams', 'timeScaleStretch']); // prettier-ignore
