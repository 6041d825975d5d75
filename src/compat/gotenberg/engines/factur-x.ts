import { FACTURX_LEVELS } from '../../../domain/finishing.ts';
import type { SentFile, SentForm } from '../../conversion.ts';
import type { Fields } from '../fields.ts';
import { filesIn } from './sent-files.ts';

const PATH = 'facturx.xml';
const TYPES = ['INVOICE', 'ORDER', 'ORDER_RESPONSE', 'ORDER_CHANGE'] as const;

/** An invoice that PDFs get. */
export interface FacturX {
  /** for `finishing.facturx` */
  facturx: Record<string, unknown>;
  files: Record<string, SentFile>;
}

/** The file `facturxXml` and the fields `facturx…`. @returns undefined: none */
export function facturX(form: SentForm, fields: Fields, { isRequired = false } = {}): FacturX | undefined {
  const file = filesIn(form, 'facturxXml')[0];
  const isMeant = isRequired || file !== undefined || fields.text('facturxConformanceLevel') !== undefined;
  if (!isMeant) return undefined;
  if (!file) fields.refuse('facturxXml', 'required: the invoice as a file of XML');
  fields.require('facturxConformanceLevel', FACTURX_LEVELS.join(', '));
  const level = fields.choice('facturxConformanceLevel', FACTURX_LEVELS);
  const documentType = fields.choice('facturxDocumentType', TYPES);
  const version = fields.text('facturxVersion');
  if (!file || level === undefined) return undefined;
  return {
    facturx: {
      file: PATH,
      level,
      ...(documentType !== undefined && { documentType }),
      ...(version !== undefined && { version }),
    },
    files: { [PATH]: file },
  };
}
