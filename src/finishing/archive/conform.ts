import { type Conformance, isArchive } from '../../domain/finishing.ts';
import { CodedError } from '../../kernel/errors.ts';
import { writeObjects } from '../write/write-objects.ts';
import { checkPdf } from '../check/check-pdf.ts';
import type { Finding } from '../check/findings.ts';
import type { Draft } from '../draft.ts';
import { type ClaimsInside, claimsIn } from './claims-in.ts';
import { cureAccessible } from './cure-accessible.ts';
import { cureArchive } from './cure-archive.ts';
import { cureFigures } from './cure-figures.ts';
import { cureLists } from './cure-lists.ts';
import { writeMetadata } from './metadata.ts';
import type { Claims } from './xmp.ts';

/** Findings that are shown; of the others only how many there are. */
const MAX_SHOWN = 10;
const MAX_MESSAGE = 1_900;

export interface ConformSettings extends Claims {
  /** whether the PDFs are encrypted afterwards, which PDF/A forbids */
  isEncrypted: boolean;
  /** whether they were several documents */
  isMerged: boolean;
}

/**
 * Makes PDFs conform to what they are to claim, as far as that can be done without their author, and checks them. What
 * they claim already, and is not asked for, they keep if it still holds.
 * @throws CodedError `not_conformant` with what is wrong with what is asked for
 */
export async function conform(drafts: Draft[], asked: ConformSettings): Promise<Draft[]> {
  for (const [index, draft] of drafts.entries()) {
    const inside = draft.isUploaded ? claimsIn(await draft.document()) : NOTHING;
    const kept = inside.conformance.filter((claim) => mayBeKept(claim, asked));
    const isUnchanged = kept.length === inside.conformance.length && !inside.hasOthers;
    if (asked.conformance.length === 0 && isUnchanged && (await holds(draft, kept))) continue;
    const findings = await claim(
      draft,
      { ...asked, conformance: [...asked.conformance, ...kept] },
      { inside, asked: asked.conformance },
    );
    const broken = new Set(findings.map((finding) => finding.claim));
    const wrong = findings
      .filter((finding) => asked.conformance.includes(finding.claim))
      .map((finding) => (asked.isMerged ? ofMerged(finding) : finding));
    if (wrong.length > 0) throw notConformant(wrong, asked.conformance, drafts.length > 1 ? index + 1 : undefined);
    const held = kept.filter((each) => !broken.has(each));
    if (held.length < kept.length)
      await writeClaims(draft, { ...asked, conformance: [...asked.conformance, ...held] }, inside);
  }
  return drafts;
}

/** What our own browser has printed claims nothing. */
const NOTHING: ClaimsInside = { conformance: [], hasOthers: false };

function mayBeKept(claim: Conformance, { conformance, isEncrypted }: ConformSettings): boolean {
  return isArchive(claim) ? !isEncrypted && !conformance.some(isArchive) : !conformance.includes(claim);
}

async function holds(draft: Draft, claims: readonly Conformance[]): Promise<boolean> {
  return claims.length === 0 || (await checkPdf(await bytesFor(draft, claims), claims)).length === 0;
}

/** PDF/A-1 has rules about how a file is written, so that it is checked as it will be. */
async function bytesFor(draft: Draft, claims: readonly Conformance[]): Promise<Uint8Array> {
  if (!claims.includes('PDF/A-1b')) return draft.bytes();
  return writeObjects(await draft.document(), { objectStreams: false, isOld: true });
}

/** Does for the claims what can be done, and writes them. @returns what is wrong all the same */
async function claim(
  draft: Draft,
  claims: Claims,
  { inside, asked }: { inside: ClaimsInside; asked: readonly Conformance[] },
): Promise<Finding[]> {
  const pdf = await draft.document();
  const archive = claims.conformance.find(isArchive);
  if (archive) cureArchive(pdf, archive, { isAsked: asked.includes(archive) });
  if (claims.conformance.includes('PDF/UA-1')) cureAccessible(pdf);
  await writeClaims(draft, claims, inside);
  return claims.conformance.length === 0 ? [] : check(draft, claims.conformance);
}

/** An invoice stays one as long as it is PDF/A-3. */
async function writeClaims(draft: Draft, claims: Claims, inside: ClaimsInside): Promise<void> {
  const own = claims.conformance.includes('PDF/A-3b') ? inside.facturx : undefined;
  writeMetadata(await draft.document(), { ...claims, facturx: claims.facturx ?? own });
}

const TITLE = 'ISO 14289-1:2014 7.1-9';

/** The title of one of several documents is not that of the whole. */
function ofMerged(finding: Finding): Finding {
  if (finding.rule !== TITLE) return finding;
  return { ...finding, message: 'the merged document has no title of its own: set finishing.properties.title' };
}

/** What is cured in the tags, by the rule that finds it. */
const CURES = { 'ISO 14289-1:2014 7.3-1': cureFigures, 'ISO 14289-1:2014 7.2-20': cureLists };

/** Tags are gone through only if it is known that some can be cured: that takes several times as long as all else. */
async function check(draft: Draft, claims: readonly Conformance[]): Promise<Finding[]> {
  const findings = await checkPdf(await bytesFor(draft, claims), claims);
  const cures = Object.entries(CURES).filter(([cured]) => findings.some(({ rule }) => rule === cured));
  if (cures.length === 0) return findings;
  for (const [, cure] of cures) cure(await draft.document());
  return checkPdf(await bytesFor(draft, claims), claims);
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
