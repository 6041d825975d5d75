import { type IccTag, oldDescription, sampledCurve, typed, writeProfile } from './icc-writer.ts';

/** Tags of a profile, at most: more than any has. */
const MAX_TAGS = 100;
/** What the profile of a display is made of: primary colours and curves, or one curve of grey. */
const COLOURS: Record<string, readonly string[]> = { 'RGB ': ['rXYZ', 'gXYZ', 'bXYZ'], GRAY: [] }; // prettier-ignore
const CURVES: Record<string, readonly string[]> = { 'RGB ': ['rTRC', 'gTRC', 'bTRC'], GRAY: ['kTRC'] }; // prettier-ignore

/**
 * The same colours as a profile of version 4, by one of version 2, which PDF 1.4 knows.
 * @returns undefined if it is of version 2 already, damaged, or made of other things than a matrix and curves
 */
export function olderProfile(bytes: Uint8Array): Uint8Array | undefined {
  const profile = Buffer.from(bytes);
  if (profile.length < 132 || (profile[8] ?? 0) !== 4 || profile.toString('latin1', 20, 24) !== 'XYZ ')
    return undefined;
  const space = profile.toString('latin1', 16, 20);
  const isDisplay = ['mntr', 'spac', 'scnr'].includes(profile.toString('latin1', 12, 16));
  const [colours, curves] = [COLOURS[space], CURVES[space]];
  if (!isDisplay || !colours || !curves) return undefined;
  try {
    const tags = readTags(profile);
    if (tags.has('A2B0')) return undefined;
    const written: IccTag[] = [
      ['desc', oldDescription(space.trim())],
      ['cprt', typed('text', Buffer.from('CC0\0'))],
    ];
    for (const name of ['wtpt', ...colours])
      written.push([name, typed('XYZ ', part(tags, name, 'XYZ ').subarray(8, 20))]);
    for (const name of curves) written.push([name, curveOf(tags.get(name))]);
    return writeProfile({ version: 2, space }, written);
  } catch {
    return undefined;
  }
}

function readTags(profile: Buffer): Map<string, Buffer> {
  const tags = new Map<string, Buffer>();
  for (let index = 0; index < Math.min(MAX_TAGS, profile.readUInt32BE(128)); index++) {
    const at = 132 + 12 * index;
    const offset = profile.readUInt32BE(at + 4);
    tags.set(profile.toString('latin1', at, at + 4), profile.subarray(offset, offset + profile.readUInt32BE(at + 8)));
  }
  return tags;
}

/** @throws Error if there is none of that type */
function part(tags: ReadonlyMap<string, Buffer>, name: string, type: string): Buffer {
  const found = tags.get(name);
  if (found?.toString('latin1', 0, 4) !== type || found.length < 20) throw new Error(`the profile has no ${name}`);
  return found;
}

/** @throws Error if it is neither a table nor a formula */
function curveOf(tag: Buffer | undefined): Buffer {
  const type = tag?.toString('latin1', 0, 4);
  if (tag && type === 'curv') return Buffer.from(tag);
  if (!tag || type !== 'para') throw new Error('a curve of the profile is of another kind');
  const kind = tag.readUInt16BE(8);
  const count = [1, 3, 4, 5, 7][kind];
  if (count === undefined) throw new Error('a curve of the profile is of another kind');
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: count }, (_, index) => tag.readInt32BE(12 + 4 * index) / 65_536); // prettier-ignore
  return sampledCurve((x) => {
    if (kind === 0) return x ** g;
    if (kind === 1) return x >= -b / a ? (a * x + b) ** g : 0;
    if (kind === 2) return x >= -b / a ? (a * x + b) ** g + c : c;
    return x >= d ? (a * x + b) ** g + e : c * x + f;
  });
}
