import { type Conformance, FACTURX_LEVELS } from '../../domain/finishing.ts';
import { checkable, identificationOf } from '../check/check-metadata.ts';
import type { XmpProperty } from '../check/xmp.ts';
import type { PDF } from '../libpdf.ts';
import { EmbeddedFiles } from './embedded-files.ts';
import { facturxFile } from './facturx-levels.ts';
import { propertiesIn } from './kept-xmp.ts';
import { FACTURX_SCHEMA, type FacturxClaim } from './xmp.ts';

/** What a PDF says in its XMP that it is. */
export interface ClaimsInside {
  /** what can be checked */
  conformance: Conformance[];
  /** of the invoice that is in it */
  facturx?: FacturxClaim | undefined;
  /** whether it also says what cannot be checked, such as PDF/A-4, or is not so: that it is an invoice, without one */
  hasOthers: boolean;
}

/** Whether it says that it is PDF/A-1, which is PDF 1.4. */
export const isArchive1 = (pdf: PDF): boolean => claimsIn(pdf).conformance.includes('PDF/A-1b');

export function claimsIn(pdf: PDF): ClaimsInside {
  const properties = propertiesIn(pdf);
  if (!properties) return { conformance: [], hasOthers: true }; // other readers may understand it
  const { archive, universal } = identificationOf(properties);
  const conformance = checkable({ archive, universal });
  const said = [archive, universal].filter((each) => each !== undefined).length;
  const invoice = invoiceIn(properties);
  const hasInvoice = invoice !== undefined && new EmbeddedFiles(pdf).names.has(facturxFile(invoice.level).name);
  return {
    conformance,
    facturx: hasInvoice ? invoice : undefined,
    hasOthers: said > conformance.length || (invoice !== undefined && !hasInvoice),
  };
}

function invoiceIn(properties: readonly XmpProperty[]): FacturxClaim | undefined {
  const said = (wanted: string) => {
    const found = properties.find(({ space, name }) => space === FACTURX_SCHEMA && name === wanted)?.value;
    return found?.kind === 'text' ? found.text.trim() : undefined;
  };
  const level = FACTURX_LEVELS.find((each) => said('ConformanceLevel') === each);
  return level && { level, documentType: said('DocumentType'), version: said('Version') };
}
