/** A TrueType font with one letter, M, which is a black box three times as wide as it is high. */
export function wideFont(): Buffer {
  const glyph = words(1, 0, 0, 2900, 1000, 3, 0); // one contour of four points, no instructions
  const points = Buffer.concat([Buffer.from([1, 1, 1, 1]), words(0, 0, 2900, 0), words(0, 1000, 0, -1000)]);
  const box = Buffer.concat([glyph, points]);
  const tables: [tag: string, data: Buffer][] = [
    ['OS/2', os2()],
    ['cmap', words(0, 1, 3, 1, 0, 12, 4, 32, 0, 4, 4, 1, 0, 0x4d, -1, 0, 0x4d, -1, 1 - 0x4d, 1, 0, 0)],
    ['glyf', box],
    ['head', words(1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1000, ...Array.from({ length: 8 }, () => 0), 0, 0, 2900, 1000, 0, 8, 2, 0, 0)],
    ['hhea', words(1, 0, 1000, 0, 0, 3000, 0, 0, 2900, 1, ...Array.from({ length: 7 }, () => 0), 2)],
    ['hmtx', words(3000, 0, 3000, 0)],
    ['loca', words(0, 0, box.length / 2)],
    ['maxp', words(1, 0, 2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['name', words(0, 0, 6)],
    ['post', words(3, 0, ...Array.from({ length: 14 }, () => 0))],
  ]; // prettier-ignore
  const directory: Buffer[] = [words(1, 0, tables.length, 128, 3, 32)];
  let offset = 12 + 16 * tables.length;
  const bodies = tables.map(([tag, data]) => {
    const padded = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    const numbers = Buffer.alloc(12);
    numbers.writeUInt32BE(checksum(padded), 0);
    numbers.writeUInt32BE(offset, 4);
    numbers.writeUInt32BE(data.length, 8);
    directory.push(Buffer.from(tag, 'latin1'), numbers);
    offset += padded.length;
    return padded;
  });
  return Buffer.concat([...directory, ...bodies]);
}

/** Numbers of 16 bits, big-endian. */
function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) buffer.writeUInt16BE(value & 0xffff, index * 2);
  return buffer;
}

function os2(): Buffer {
  const table = Buffer.alloc(78);
  table.writeInt16BE(3000, 2);
  table.writeUInt16BE(400, 4);
  table.writeUInt16BE(5, 6);
  table.writeUInt16BE(0x40, 62); // regular
  table.writeUInt16BE(0x4d, 64);
  table.writeUInt16BE(0x4d, 66);
  table.writeInt16BE(1000, 68);
  table.writeUInt16BE(1000, 74);
  return table;
}

function checksum(padded: Buffer): number {
  let sum = 0;
  for (let at = 0; at < padded.length; at += 4) sum = (sum + padded.readUInt32BE(at)) >>> 0;
  return sum;
}
