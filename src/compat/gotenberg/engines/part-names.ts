import type { FileInZip, SentFile } from '../../conversion.ts';
import { stemOf } from './sent-files.ts';

/** Characters of a name, at most. */
const MAX_NAME = 180;

/** What a name of a file of ours may not have, at its start or anywhere. */
const FORBIDDEN = /^[\s.]+|[\p{C}\p{Zl}\p{Zp}/\\]/gu;

/** Names of the parts of a job, without endings: those of the files, made such that they are allowed and differ. */
export function partNames(stems: readonly string[]): string[] {
  const taken = new Set<string>();
  return stems.map((stem, index) => {
    const name = stem.replaceAll(FORBIDDEN, '').slice(0, MAX_NAME).trim();
    const isFree = name !== '' && !taken.has(name.toLowerCase());
    const free = isFree ? name : `${name} (${index + 1})`.trim();
    taken.add(free.toLowerCase());
    return free;
  });
}

/**
 * The name of one of the files that a PDF is split into: they are counted from 0.
 * @param inputs one for each part
 * @returns undefined if it is not known which it is of
 */
export function splitName({ part, positionInPart }: FileInZip, inputs: readonly SentFile[]): string | undefined {
  const input = inputs.length === 1 ? inputs[0] : inputs[part ?? -1];
  return input && `${stemOf(input.name)}_${positionInPart}.pdf`;
}
