import type { FacturxLevel } from '../../src/domain/finishing.ts';

const EN = 'urn:cen.eu:en16931:2017';
const GUIDELINES: Record<FacturxLevel, string> = {
  MINIMUM: 'urn:factur-x.eu:1p0:minimum',
  'BASIC WL': 'urn:factur-x.eu:1p0:basicwl',
  BASIC: `${EN}#compliant#urn:factur-x.eu:1p0:basic`,
  'EN 16931': EN,
  EXTENDED: `${EN}#conformant#urn:factur-x.eu:1p0:extended`,
  XRECHNUNG: `${EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0`,
};

/** The beginning of an invoice of a level, as XML. */
export function invoiceXml(level: FacturxLevel): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100" xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext>
    <ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>${GUIDELINES[level]}</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
  </rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument><ram:ID>${level}-1</ram:ID><ram:TypeCode>380</ram:TypeCode></rsm:ExchangedDocument>
</rsm:CrossIndustryInvoice>
`;
}
