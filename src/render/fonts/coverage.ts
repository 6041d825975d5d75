const UNICODE = 0;
const WINDOWS = 3;
const WINDOWS_ENCODINGS = new Set([1, 10]); // Unicode, of 16 and of 32 bits

type Covers = (code: number) => boolean;

/**
 * Which characters a font has.
 * @param cmap the table of this name, which may be damaged: what lies outside of it is not there
 */
export function coverageOf(cmap: Buffer): Covers {
  const subtables: Covers[] = [];
  const count = uint16(cmap, 2);
  for (let index = 0; index < count && 4 + 8 * index < cmap.length; index++) {
    const at = 4 + 8 * index;
    const platform = uint16(cmap, at);
    if (platform !== UNICODE && !(platform === WINDOWS && WINDOWS_ENCODINGS.has(uint16(cmap, at + 2)))) continue;
    const start = uint32(cmap, at + 4);
    const format = uint16(cmap, start);
    if (format === 4) subtables.push((code) => isInSegments(cmap, start, code));
    if (format === 12) subtables.push((code) => isInGroups(cmap, start, code));
  }
  return (code) => subtables.some((covers) => covers(code));
}

/** Format 4: segments of codes below 65,536. */
function isInSegments(cmap: Buffer, start: number, code: number): boolean {
  if (code > 0xff_ff) return false;
  const bytes = uint16(cmap, start + 6) & ~1; // of each of the four columns
  const ends = start + 14;
  const starts = ends + bytes + 2;
  for (let at = 0; at < bytes; at += 2) {
    if (code > uint16(cmap, ends + at)) continue;
    const first = uint16(cmap, starts + at);
    if (code < first) return false;
    const delta = uint16(cmap, starts + bytes + at);
    const offsetAt = starts + 2 * bytes + at;
    const offset = uint16(cmap, offsetAt);
    if (offset === 0) return ((code + delta) & 0xff_ff) !== 0;
    return uint16(cmap, offsetAt + offset + 2 * (code - first)) !== 0;
  }
  return false;
}

/** Format 12: groups of codes, in order. */
function isInGroups(cmap: Buffer, start: number, code: number): boolean {
  const groups = start + 16;
  let low = 0;
  let high = Math.min(uint32(cmap, start + 12), Math.floor(Math.max(0, cmap.length - groups) / 12)) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = groups + 12 * middle;
    if (code < uint32(cmap, at)) high = middle - 1;
    else if (code > uint32(cmap, at + 4)) low = middle + 1;
    else return true;
  }
  return false;
}

const uint16 = (bytes: Buffer, at: number) => (at + 2 <= bytes.length ? bytes.readUInt16BE(at) : 0);
const uint32 = (bytes: Buffer, at: number) => (at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0);
