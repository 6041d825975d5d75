// An ICC profile of sRGB, by ICC.1 (version 4.2) and IEC 61966-2-1: a matrix and one parametric curve.

const HEADER_BYTES = 128;
const TAG_BYTES = 12;

/** Numbers with 16 bits after the point. */
const fixed = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), index * 4);
  return bytes;
};

const typed = (type: string, ...content: Buffer[]) => Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...content]);
const xyz = (...values: [number, number, number]) => typed('XYZ ', fixed(...values));

/** A text in English. */
function text(value: string): Buffer {
  const units = Buffer.from(value, 'utf16le').swap16();
  const about = Buffer.alloc(20);
  about.writeUInt32BE(1, 0); // texts
  about.writeUInt32BE(12, 4); // bytes of what says where a text is
  about.write('enUS', 8);
  about.writeUInt32BE(units.length, 12);
  about.writeUInt32BE(28, 16);
  return typed('mluc', about, units);
}

/** The white of the space in which profiles are connected, which is D50. */
const WHITE = [0.9642, 1, 0.8249] as const;

/** y = ((x + 0.055) / 1.055) ^ 2.4 from 0.04045 on, x / 12.92 below. */
const CURVE = typed('para', Buffer.from([0, 3, 0, 0]), fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045));

const TAGS: [string, Buffer][] = [
  ['desc', text('sRGB')],
  ['cprt', text('CC0')],
  ['wtpt', xyz(...WHITE)],
  // From D65 to D50, by Bradford.
  ['chad', typed('sf32', fixed(1.04788, 0.02292, -0.0502, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168))],
  ['rXYZ', xyz(0.43607, 0.22249, 0.01392)],
  ['gXYZ', xyz(0.38515, 0.71687, 0.09708)],
  ['bXYZ', xyz(0.14307, 0.06061, 0.7141)],
  ['rTRC', CURVE],
  ['gTRC', CURVE],
  ['bTRC', CURVE],
];

/** The bytes of the profile. */
export function srgbProfile(): Uint8Array {
  const table = Buffer.alloc(4 + TAGS.length * TAG_BYTES);
  table.writeUInt32BE(TAGS.length);
  const offsets = new Map<Buffer, number>();
  const contents: Buffer[] = [];
  let offset = HEADER_BYTES + table.length;
  for (const [index, [name, content]] of TAGS.entries()) {
    if (!offsets.has(content)) {
      const padded = Buffer.concat([content, Buffer.alloc(-content.length & 3)]);
      offsets.set(content, offset);
      contents.push(padded);
      offset += padded.length;
    }
    const at = 4 + index * TAG_BYTES;
    table.write(name, at);
    table.writeUInt32BE(offsets.get(content) ?? 0, at + 4);
    table.writeUInt32BE(content.length, at + 8);
  }
  return Buffer.concat([header(offset), table, ...contents]);
}

function header(bytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(bytes, 0);
  header.writeUInt32BE(0x04_20_00_00, 8); // version
  header.write('mntrRGB XYZ ', 12); // of a display, from RGB to XYZ
  for (const [index, value] of [2026, 1, 1, 0, 0, 0].entries()) header.writeUInt16BE(value, 24 + index * 2);
  header.write('acsp', 36);
  fixed(...WHITE).copy(header, 68);
  return header;
}
