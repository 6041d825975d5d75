import type { SentFile } from '../../conversion.ts';
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
 * @param own as the job calls it: `report.pdf`, `report-2.pdf`, …
 * @param names of the parts, one for each input
 */
export function splitName(own: string, names: readonly string[], inputs: readonly SentFile[]): string {
  const stem = own.replace(/\.pdf$/i, '');
  const [, before = stem, number = '1'] = /^(.*)-(\d+)$/s.exec(stem) ?? [];
  const whole = names.indexOf(stem);
  const index = whole === -1 ? names.indexOf(before) : whole;
  const input = inputs[index];
  if (!input) return own;
  return `${stemOf(input.name)}_${whole === -1 ? Number(number) - 1 : 0}.pdf`;
}
