import { type Conformance, FACTURX_LEVELS, type FacturxLevel } from '../../domain/finishing.ts';
import { checkable, identificationOf } from '../check/check-metadata.ts';
import { parseXmp, type XmpProperty } from '../check/xmp.ts';
import { type PDF, PdfStream } from '../libpdf.ts';
import { EmbeddedFiles } from './embedded-files.ts';
import { facturxFile } from './facturx-levels.ts';
import { FACTURX_SCHEMA } from './xmp.ts';

/** What a PDF says in its XMP that it is. */
export interface ClaimsInside {
  /** what can be checked */
  conformance: Conformance[];
  /** of the invoice that is in it */
  facturx?: FacturxLevel | undefined;
  /** whether it also says what cannot be checked, such as PDF/A-1, or is not so: that it is an invoice, without one */
  hasOthers: boolean;
}

export function claimsIn(pdf: PDF): ClaimsInside {
  const properties = propertiesOf(pdf);
  if (!properties) return { conformance: [], hasOthers: true }; // other readers may understand it
  const { archive, universal } = identificationOf(properties);
  const conformance = checkable({ archive, universal });
  const said = [archive, universal].filter((each) => each !== undefined).length;
  const level = levelIn(properties);
  const hasInvoice = level !== undefined && new EmbeddedFiles(pdf).names.has(facturxFile(level).name);
  return {
    conformance,
    facturx: hasInvoice ? level : undefined,
    hasOthers: said > conformance.length || (level !== undefined && !hasInvoice),
  };
}

/** @returns none if there is no XMP, undefined if it cannot be read */
function propertiesOf(pdf: PDF): XmpProperty[] | undefined {
  const metadata = pdf.context.catalog.getDict().get('Metadata', (ref) => pdf.context.resolve(ref));
  if (!(metadata instanceof PdfStream)) return [];
  try {
    return parseXmp(metadata.getDecodedData());
  } catch {
    return undefined;
  }
}

function levelIn(properties: readonly XmpProperty[]): FacturxLevel | undefined {
  const said = properties.find(({ space, name }) => space === FACTURX_SCHEMA && name === 'ConformanceLevel')?.value;
  return FACTURX_LEVELS.find((level) => said?.kind === 'text' && said.text.trim() === level);
}
