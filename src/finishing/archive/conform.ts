import type { Conformance } from '../../domain/finishing.ts';
import { CodedError } from '../../kernel/errors.ts';
import { checkPdf } from '../check/check-pdf.ts';
import type { Finding } from '../check/findings.ts';
import type { Draft } from '../draft.ts';
import { cureAccessible } from './cure-accessible.ts';
import { cureArchive } from './cure-archive.ts';
import { writeMetadata } from './metadata.ts';
import type { Claims } from './xmp.ts';

/** Findings that are told; of the others their number is. */
const MAX_TOLD = 10;
const MAX_MESSAGE = 1_900;

/**
 * Makes PDFs conform to what they are to claim, as far as that can be done without their author, and checks them.
 * @throws CodedError `not_conformant` with what is wrong
 */
export async function conform(drafts: Draft[], claims: Claims): Promise<Draft[]> {
  for (const [index, draft] of drafts.entries()) {
    const pdf = await draft.document();
    if (claims.conformance.some((claim) => claim.startsWith('PDF/A'))) cureArchive(pdf);
    if (claims.conformance.includes('PDF/UA-1')) cureAccessible(pdf);
    writeMetadata(pdf, claims);
    const findings = await checkPdf(await draft.bytes(), claims.conformance);
    if (findings.length > 0)
      throw notConformant(findings, claims.conformance, drafts.length > 1 ? index + 1 : undefined);
  }
  return drafts;
}

function notConformant(
  findings: readonly Finding[],
  claims: readonly Conformance[],
  file: number | undefined,
): CodedError {
  const subject = `${file ? `file ${file}` : 'the PDF'} is not ${claims.join(', ')}`;
  const told: string[] = [];
  for (const finding of findings.slice(0, MAX_TOLD)) {
    const text = describe(finding);
    if (told.join('; ').length + text.length > MAX_MESSAGE) break;
    told.push(text);
  }
  const rest = findings.length - told.length;
  return new CodedError('not_conformant', `${subject}: ${told.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`);
}

function describe({ rule, page, message, count }: Finding): string {
  const place = page === undefined ? '' : `page ${page}: `;
  return `${place}${message.slice(0, 600)}${count > 1 ? ` (${count} times)` : ''} [${rule}]`;
}
