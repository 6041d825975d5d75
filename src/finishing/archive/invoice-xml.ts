import type { FacturxLevel } from '../../domain/finishing.ts';
import { CodedError } from '../../kernel/errors.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { guidelineOf, levelOf } from './facturx-levels.ts';
import { parseXml, type XmlElement, XmlInvalid } from '../parse-xml.ts';

const INVOICE = 'urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100';
const PARTS = 'urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100';
const MAX_BYTES = 20 * MEGABYTE;

/**
 * Checks that XML is an invoice of a level.
 * @param field for messages, such as `finishing.facturx.xml`
 * @throws CodedError `finishing_invalid`
 */
export function checkInvoice(bytes: Uint8Array, level: FacturxLevel, field: string): void {
  const refuse = (problem: string): never => {
    throw new CodedError('finishing_invalid', `${field}: ${problem}`);
  };
  if (bytes.byteLength > MAX_BYTES) refuse(`${bytes.byteLength} bytes; allowed: at most ${MAX_BYTES}`);
  const root = read(bytes, refuse);
  if (root.name !== 'CrossIndustryInvoice' || root.namespace !== INVOICE)
    refuse(
      `its root is ${root.name.slice(0, 100)}${root.namespace ? ` of ${root.namespace.slice(0, 200)}` : ''}; expected: CrossIndustryInvoice of ${INVOICE}`,
    );
  const context = child(root, 'ExchangedDocumentContext', INVOICE);
  const id = child(child(context, 'GuidelineSpecifiedDocumentContextParameter', PARTS), 'ID', PARTS);
  const guideline = id?.text.trim();
  const expected = `expected for ${level}: ${guidelineOf(level)}`;
  if (!guideline)
    return refuse(`ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID is missing; ${expected}`);
  const found = levelOf(guideline);
  if (found === level) return;
  const meant = found ? `, which is ${found}` : '';
  refuse(`GuidelineSpecifiedDocumentContextParameter/ID is ${guideline.slice(0, 200)}${meant}; ${expected}`);
}

function read(bytes: Uint8Array, refuse: (problem: string) => never): XmlElement {
  try {
    return parseXml(bytes);
  } catch (error) {
    if (error instanceof XmlInvalid) return refuse(`the XML is not right: ${error.message}`);
    throw error;
  }
}

const child = (element: XmlElement | undefined, name: string, namespace: string) =>
  element?.children.find((each) => each.name === name && each.namespace === namespace);
