import { crc32, deflateSync } from 'node:zlib';
import type { PagePicture } from '../pdfium.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const RGBA_BYTES = 4;
const RGB_BYTES = 3;
const MM_PER_INCH = 25.4;
/** The filter of a row of which each byte is the difference to the one above. */
const UP = 2;

/** As PNG, without transparency. `dpi` is what viewers and printers take for its size. */
export function pngOf(picture: PagePicture, { dpi }: { dpi: number }): Uint8Array {
  const { width, height } = picture;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits of red, green, blue
  const density = Buffer.alloc(9);
  const perMetre = Math.round((dpi * 1000) / MM_PER_INCH);
  density.writeUInt32BE(perMetre, 0);
  density.writeUInt32BE(perMetre, 4);
  density[8] = 1; // of a metre
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('pHYs', density),
    chunk('IDAT', deflateSync(rowsOf(picture))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function rowsOf({ rgba, width, height }: PagePicture): Uint8Array {
  const stride = 1 + width * RGB_BYTES;
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    let to = y * stride;
    rows[to++] = UP;
    const above = y === 0 ? undefined : (y - 1) * width * RGBA_BYTES;
    for (let x = 0, from = y * width * RGBA_BYTES; x < width; x++, from += RGBA_BYTES)
      for (let colour = 0; colour < RGB_BYTES; colour++) {
        const upper = above === undefined ? 0 : (rgba[above + x * RGBA_BYTES + colour] ?? 0);
        rows[to++] = (rgba[from + colour] ?? 0) - upper;
      }
  }
  return rows;
}

function chunk(name: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const framed = Buffer.alloc(named.byteLength + 8);
  framed.writeUInt32BE(content.byteLength, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), 4 + named.byteLength);
  return framed;
}
