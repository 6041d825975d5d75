// Writes ICC profiles of displays: ICC.1, versions 2.1 and 4.2.

const HEADER_BYTES = 128;
const TAG_BYTES = 12;
/** Points of a curve that is a table. */
const POINTS = 1_024;

export type IccVersion = 2 | 4;
export type IccTag = [name: string, content: Buffer];

/** The white of the space in which profiles are connected, which is D50. */
export const CONNECTION_WHITE = [0.9642, 1, 0.8249] as const;

/** Numbers with 16 bits after the point. */
export const fixed = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), index * 4);
  return bytes;
};

/** The content of a tag. */
export const typed = (type: string, ...content: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...content]);

/** A text of version 2: ASCII, then room for two other scripts. */
export function oldDescription(value: string): Buffer {
  const ascii = Buffer.from(`${value}\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(ascii.length);
  return typed('desc', length, ascii, Buffer.alloc(4 + 4 + 2 + 1 + 67));
}

/** A curve as a table of 16 bits. @param curve from 0 to 1 */
export function sampledCurve(curve: (x: number) => number): Buffer {
  const bytes = Buffer.alloc(4 + 2 * POINTS);
  bytes.writeUInt32BE(POINTS);
  for (let point = 0; point < POINTS; point++) {
    const y = Math.min(1, Math.max(0, curve(point / (POINTS - 1))));
    bytes.writeUInt16BE(Math.round(y * 0xffff), 4 + 2 * point);
  }
  return typed('curv', bytes);
}

/** The bytes of a profile. @param space `RGB `, `GRAY` */
export function writeProfile(
  { version, space }: { version: IccVersion; space: string },
  tags: readonly IccTag[],
): Uint8Array {
  const table = Buffer.alloc(4 + tags.length * TAG_BYTES);
  table.writeUInt32BE(tags.length);
  const offsets = new Map<Buffer, number>();
  const contents: Buffer[] = [];
  let offset = HEADER_BYTES + table.length;
  for (const [index, [name, content]] of tags.entries()) {
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
  return Buffer.concat([header(offset, version, space), table, ...contents]);
}

function header(bytes: number, version: IccVersion, space: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(bytes, 0);
  header.writeUInt32BE(version === 2 ? 0x02_10_00_00 : 0x04_20_00_00, 8);
  header.write(`mntr${space}XYZ `, 12); // of a display, from its colours to XYZ
  for (const [index, value] of [2026, 1, 1, 0, 0, 0].entries()) header.writeUInt16BE(value, 24 + index * 2);
  header.write('acsp', 36);
  fixed(...CONNECTION_WHITE).copy(header, 68);
  return header;
}
