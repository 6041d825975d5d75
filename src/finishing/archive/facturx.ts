import type { Finishing } from '../../domain/finishing.ts';
import type { Draft } from '../draft.ts';
import type { StepContext } from '../step.ts';
import { fileOf, refuseTaken } from './attach.ts';
import { EmbeddedFiles } from './embedded-files.ts';
import { facturxFile } from './facturx-levels.ts';
import { checkInvoice } from './invoice-xml.ts';

type Facturx = NonNullable<Finishing['facturx']>;
/** A request that was stored by the last release has neither a type nor a version. */
export type FacturxSettings = Omit<Facturx, 'documentType' | 'version'> & Partial<Facturx>;

/** Puts the XML of an invoice into PDFs; that they are PDF/A-3b is seen to by the step that follows. */
export async function addInvoice(
  drafts: Draft[],
  { file, xml = '', level }: FacturxSettings,
  { files }: StepContext,
): Promise<Draft[]> {
  const field = file === undefined ? 'finishing.facturx.xml' : 'finishing.facturx.file';
  const bytes = file === undefined ? new TextEncoder().encode(xml) : fileOf(files, file, field);
  checkInvoice(bytes, level, field);
  const { name, relationship } = facturxFile(level);
  for (const draft of drafts) {
    const embedded = new EmbeddedFiles(await draft.document());
    if (embedded.names.has(name)) refuseTaken(name, field);
    embedded.add({ name, bytes, mediaType: 'text/xml', relationship, description: `Invoice as XML (${level})` });
    embedded.save();
  }
  return drafts;
}
