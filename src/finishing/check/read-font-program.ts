import { readCff } from './cff-font.ts';
import type { FontProgram } from './font-program.ts';
import type { PdfFile } from './pdf-file.ts';
import type { PdfDictionary, PdfStream } from './pdf-value.ts';
import { readTrueType } from './true-type.ts';

/** The stream of an embedded font. */
export function programStream(descriptor: PdfDictionary | undefined): PdfStream | undefined {
  for (const key of ['FontFile', 'FontFile2', 'FontFile3']) {
    const stream = descriptor?.stream(key);
    if (stream) return stream;
  }
  return undefined;
}

/** @returns undefined if there is none, or it is of a kind that is not read (Type 1), or damaged */
export function readProgram(file: PdfFile, descriptor: PdfDictionary | undefined): FontProgram | undefined {
  const stream = programStream(descriptor);
  return stream && readProgramBytes(file.content(stream));
}

/** @returns undefined as {@link readProgram} */
export function readProgramBytes(content: Uint8Array): FontProgram | undefined {
  try {
    const first = content[0];
    if (first === 0 || first === 0x74) return readTrueType(content); // 1.0, true
    if (first === 0x4f) return readOpenType(content); // OTTO
    return first === 1 ? readCff(content) : undefined;
  } catch {
    return undefined; // it is damaged
  }
}

function readOpenType(content: Uint8Array): FontProgram | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let index = 0; index < view.getUint16(4); index++) {
    const at = 12 + 16 * index;
    if (view.getUint32(at) === 0x43464620) {
      const start = view.getUint32(at + 8);
      return readCff(content.subarray(start, start + view.getUint32(at + 12)));
    }
  }
  return undefined;
}
