const UNITS = 1000;

/**
 * A TrueType font whose every letter from A to z is a box of this width, so that the width of a text says which font
 * it has.
 * @param advance thousandths of the size of the font
 */
export function tinyFont(family: string, advance: number): Buffer {
  const box = glyph(advance - 100);
  const glyphs = Buffer.concat([box, box]); // .notdef and the letter
  const tables: Record<string, Buffer> = {
    'OS/2': os2(advance),
    cmap: cmap(),
    glyf: glyphs,
    head: head(advance),
    hhea: numbers([1, 0, 800, -200, 0, advance, 0, 0, advance, 1, 0, 0, 0, 0, 0, 0, 0, 2]),
    hmtx: numbers([advance, 50, advance, 50]),
    loca: numbers([0, box.length / 2, glyphs.length / 2]),
    maxp: numbers([1, 0, 2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    name: names(family),
    post: numbers([3, 0, 0, 0, -100, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  };
  const entries = Object.entries(tables);
  const start = 12 + entries.length * 16;
  const directory = [numbers([1, 0, entries.length, 128, 3, entries.length * 16 - 128])];
  const bodies: Buffer[] = [];
  let at = start;
  for (const [tag, table] of entries) {
    const padded = Buffer.concat([table, Buffer.alloc((4 - (table.length % 4)) % 4)]);
    const entry = Buffer.alloc(16);
    entry.write(tag, 'latin1');
    entry.writeUInt32BE(sum(padded), 4);
    entry.writeUInt32BE(at, 8);
    entry.writeUInt32BE(table.length, 12);
    directory.push(entry);
    bodies.push(padded);
    at += padded.length;
  }
  return Buffer.concat([...directory, ...bodies]);
}

/** Numbers of 16 bits. */
function numbers(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value & 0xffff, index * 2);
  return bytes;
}

function sum(bytes: Buffer): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 4) total = (total + bytes.readUInt32BE(at)) >>> 0;
  return total;
}

/** A box from 50 to the width and from 0 to 700. */
function glyph(width: number): Buffer {
  const right = 50 + width;
  const shape = numbers([1, 50, 0, right, 700, 3, 0]); // one contour, its bounds, its last point, no instructions
  const points = numbers([50, 0, width, 0, 0, 700, 0, -700]);
  return Buffer.concat([shape, Buffer.from([1, 1, 1, 1]), points]);
}

function head(advance: number): Buffer {
  const bytes = numbers([1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 3, UNITS, 0, 0, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([bytes, numbers([50, 0, advance - 50, 700, 0, 8, 2, 0, 0])]);
}

function os2(advance: number): Buffer {
  const first = numbers([4, advance, 400, 5, 0, 650, 600, 0, 75, 650, 600, 0, 350, 50, 300, 0]);
  const last = numbers([0x40, 65, 122, 800, -200, 0, 800, 200, 0, 1, 0, 0, 500, 700, 0, 32, 0]);
  return Buffer.concat([first, Buffer.alloc(10), numbers([0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from('test'), last]);
}

/** Letters A to z are glyph 1. */
function cmap(): Buffer {
  const letters = 122 - 65 + 1;
  const header = numbers([0, 1, 3, 1, 0, 12]);
  const format4 = numbers([4, 32 + letters * 2, 0, 4, 4, 1, 0, 122, 0xffff, 0, 65, 0xffff, 0, 1, 4, 0]);
  return Buffer.concat([header, format4, numbers(Array<number>(letters).fill(1))]);
}

function names(family: string): Buffer {
  const text = Buffer.from(family, 'utf16le').swap16();
  const ids = [1, 4, 6];
  const records = ids.map((id) => numbers([3, 1, 0x409, id, text.length, 0]));
  return Buffer.concat([numbers([0, ids.length, 6 + ids.length * 12]), ...records, text]);
}
