import type { Conformance } from '../../domain/finishing.ts';
import { qpdf } from '../qpdf.ts';
import { checkAnnotations } from './annotation-rules.ts';
import { checkContents } from './check-contents.ts';
import { checkFile } from './check-file.ts';
import { checkMetadata } from './check-metadata.ts';
import { checkDocument } from './document-rules.ts';
import { Findings, type Finding } from './findings.ts';
import { PdfFile } from './pdf-file.ts';
import { checkStructure } from './structure-rules.ts';

/** One table of references and no object streams; streams stay as they are. */
const REWRITE = ['--decrypt', '--object-streams=disable', '--stream-data=preserve', '--no-warn', '/in.pdf', '/out.pdf'];

/**
 * Whether a PDF is what it claims to be, by the rules of rules.ts.
 * @returns what is wrong, grouped by rule; nothing: it conforms
 * @throws QpdfFailed if it is no PDF, or damaged beyond repair
 */
export async function checkPdf(bytes: Uint8Array, claims: readonly Conformance[]): Promise<Finding[]> {
  const findings = new Findings(claims);
  const file = new PdfFile(await qpdf(bytes, REWRITE));
  checkFile(bytes, findings);
  checkMetadata(file, findings);
  checkDocument(file, findings);
  checkAnnotations(file, findings);
  checkStructure(file, findings);
  checkContents(file, findings);
  return findings.list();
}
