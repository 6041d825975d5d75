import type { Conformance } from '../../domain/finishing.ts';
import { CodedError } from '../../kernel/errors.ts';
import { checkPdf } from '../check/check-pdf.ts';
import type { Finding } from '../check/findings.ts';
import type { Draft } from '../draft.ts';
import { cureAccessible } from './cure-accessible.ts';
import { cureArchive } from './cure-archive.ts';
import { cureLists } from './cure-lists.ts';
import { writeMetadata } from './metadata.ts';
import type { Claims } from './xmp.ts';

/** Findings that are shown; of the others only how many there are. */
const MAX_SHOWN = 10;
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
    const findings = await check(draft, claims.conformance);
    if (findings.length > 0)
      throw notConformant(findings, claims.conformance, drafts.length > 1 ? index + 1 : undefined);
  }
  return drafts;
}

/** The rule about what is in the item of a list. */
const LISTS = 'ISO 14289-1:2014 7.2-20';

/** Tags are gone through only if it is known that some can be cured: that takes several times as long as all else. */
async function check(draft: Draft, claims: readonly Conformance[]): Promise<Finding[]> {
  const findings = await checkPdf(await draft.bytes(), claims);
  if (!findings.some(({ rule }) => rule === LISTS)) return findings;
  cureLists(await draft.document());
  return checkPdf(await draft.bytes(), claims);
}

function notConformant(
  findings: readonly Finding[],
  claims: readonly Conformance[],
  file: number | undefined,
): CodedError {
  const subject = `${file ? `file ${file}` : 'the PDF'} is not ${claims.join(', ')}`;
  const shown: string[] = [];
  for (const finding of findings.slice(0, MAX_SHOWN)) {
    const text = describe(finding);
    if (shown.join('; ').length + text.length > MAX_MESSAGE) break;
    shown.push(text);
  }
  const rest = findings.length - shown.length;
  return new CodedError('not_conformant', `${subject}: ${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`);
}

function describe({ rule, page, message, count }: Finding): string {
  const place = page === undefined ? '' : `page ${page}: `;
  return `${place}${message.slice(0, 600)}${count > 1 ? ` (${count} times)` : ''} [${rule}]`;
}
